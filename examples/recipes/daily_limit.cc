// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Payments that may not exceed an amount a day. limit/<day>/<customer> counts what was spent on that day, in the same
// change as the payment, and has the limit as its max_balance.
//
// What is spent is counted in an asset of its own, EUR-spent. The entity "limits" takes the other side, so that every
// payment stays balanced.

#include <iostream>
#include <string>
#include <vector>

#include "examples/recipes/rehearsal.h"

namespace {

using recipes::Rehearsal;
using semel::OutcomeCode;

// Whoever makes the first payment of a day sends this before it; all others may send it too.
semel::Change OpenDay(const std::string& customer, const std::string& day, semel::Amount most) {
  semel::Policy policy;
  policy.asset = "EUR-spent";
  policy.min_balance = 0;
  policy.max_balance = most;
  semel::Change change("limit-" + day + "-" + customer + "-" + semel::AmountToString(most));
  change.AddUpdate("limit/" + day + "/" + customer).ExpectVersion(0).SetPolicy(policy);
  return change;
}

struct Payment {
  std::string id;
  std::string customer;
  std::string shop;
  int64_t cents = 0;
  std::string day;  // on which it was made; a redelivery on the next day still counts for this one
};

// The add to the limit names its asset. Where the day was not opened there is no such asset, so that a payment without
// a limit is refused instead of made.
semel::Change Pay(const Payment& payment) {
  semel::Change change(payment.id);
  change.balanced = true;
  change.AddUpdate("payment/" + payment.id).ExpectVersion(0).Put(payment.customer + " to " + payment.shop);
  change.AddUpdate("account/" + payment.customer).Add(-payment.cents, "EUR");
  change.AddUpdate("account/" + payment.shop).Add(payment.cents, "EUR");
  change.AddUpdate("limit/" + payment.day + "/" + payment.customer).Add(payment.cents, "EUR-spent");
  change.AddUpdate("limits").Add(-payment.cents, "EUR-spent");
  return change;
}

constexpr char kToday[] = "2026-11-21";
constexpr char kTomorrow[] = "2026-11-22";

std::vector<semel::Change> OpenAccounts() {
  return {recipes::Open("bank", "EUR"), recipes::Open("account/alice", "EUR", 0),
          recipes::Open("account/shop", "EUR", 0), recipes::Open("limits", "EUR-spent"),
          recipes::Transfer("salary", "bank", "account/alice", 200000)};
}

void Tell(Rehearsal* world) {
  for (const semel::Change& message : OpenAccounts()) world->Expect(message, OutcomeCode::kApplied);

  const Payment first{"P-1", "alice", "shop", 45000, kToday};
  const semel::Outcome unopened = world->Expect(Pay(first), OutcomeCode::kRejected);
  recipes::Require(unopened.rule == semel::Rule::kAssetMismatch, "the day is not open yet");
  world->Expect(OpenDay("alice", kToday, 50000), OutcomeCode::kApplied);
  world->Expect(OpenDay("alice", kToday, 50000), OutcomeCode::kDuplicate);  // another sender, the same message
  world->Expect(OpenDay("alice", kToday, 90000), OutcomeCode::kConflict);   // the day is open, with another limit
  world->Expect(Pay(first), OutcomeCode::kApplied);

  const semel::Outcome exceeded = world->Expect(Pay({"P-2", "alice", "shop", 5001, kToday}), OutcomeCode::kRejected);
  recipes::Require(exceeded.rule == semel::Rule::kBalanceLimit, "the limit of the day");
  world->Expect(Pay({"P-3", "alice", "shop", 5000, kToday}), OutcomeCode::kApplied);  // just fits
  world->Expect(Pay(first), OutcomeCode::kDuplicate);                                 // though nothing is left today

  world->Expect(OpenDay("alice", kTomorrow, 50000), OutcomeCode::kApplied);
  world->Expect(Pay({"P-4", "alice", "shop", 5001, kTomorrow}), OutcomeCode::kApplied);
  world->RedeliverAll();
  std::cout << "alice " << world->Balance("account/alice") << ", spent " << world->Balance("limit/2026-11-21/alice")
            << " and " << world->Balance("limit/2026-11-22/alice") << "\n";
}

// What the account lost is what the limit counted, and never more than the limit.
void CheckLimit(Rehearsal* world) {
  const semel::Amount spent = world->Balance("limit/2026-11-21/alice");
  recipes::Require(spent <= 50000, "more was spent than the limit");
  recipes::Require(world->Balance("account/alice") == 200000 - spent, "something was not counted");
  recipes::Require(world->Balance("account/shop") == spent, "money was made or lost");
}

void CheckEveryOrder() {
  recipes::InEveryOrder(OpenAccounts(),
                        {OpenDay("alice", kToday, 50000), Pay({"P-1", "alice", "shop", 45000, kToday}),
                         Pay({"P-2", "alice", "shop", 5001, kToday}), Pay({"P-3", "alice", "shop", 5000, kToday})},
                        CheckLimit);
}

void CheckRace() {
  Rehearsal world;
  for (const semel::Change& message : OpenAccounts()) world.Deliver(message);
  world.Deliver(OpenDay("alice", kToday, 50000));
  std::vector<semel::Change> payments;
  for (int i = 0; i < 16; ++i) payments.push_back(Pay({"P-" + std::to_string(i), "alice", "shop", 10000, kToday}));
  recipes::Require(recipes::AtOnce(world.ledger(), payments) == 5, "not as many payments as the limit allows");
  CheckLimit(&world);
}

}  // namespace

int main() {
  Rehearsal world;
  Tell(&world);
  CheckEveryOrder();
  CheckRace();
}
