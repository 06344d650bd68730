// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A transfer that can be reversed once, whoever asks for it. transfer/<id> is version 1 while the transfer stands; its
// reversal expects version 1 and makes version 2.

#include <iostream>
#include <string>
#include <vector>

#include "examples/recipes/rehearsal.h"

namespace {

using recipes::Rehearsal;
using semel::OutcomeCode;

struct Payment {
  std::string id;
  std::string from;
  std::string to;
  int64_t cents = 0;
};

semel::Change Pay(const Payment& payment) {
  return recipes::Transfer(payment.id, payment.from, payment.to, payment.cents);
}

// `id` is of whoever wants the reversal: a ticket, a job. Version 1 of the transfer's document lets in one of them.
semel::Change Reverse(const std::string& id, const Payment& payment) {
  semel::Change change(id);
  change.balanced = true;
  change.AddUpdate("transfer/" + payment.id).ExpectVersion(1).Put("reversed by " + id);
  change.AddUpdate(payment.to).Add(-payment.cents, "EUR");
  change.AddUpdate(payment.from).Add(payment.cents, "EUR");
  return change;
}

std::vector<semel::Change> OpenAccounts() {
  return {recipes::Open("bank", "EUR"), recipes::Open("account/alice", "EUR", 0),
          recipes::Open("account/shop", "EUR", 0), recipes::Transfer("salary", "bank", "account/alice", 10000)};
}

void Tell(Rehearsal* world) {
  for (const semel::Change& message : OpenAccounts()) world->Expect(message, OutcomeCode::kApplied);

  const Payment order{"order-77", "account/alice", "account/shop", 4999};
  world->Expect(Reverse("ticket-81", order), OutcomeCode::kEarly);  // came before what it reverses
  world->Expect(Pay(order), OutcomeCode::kApplied);
  world->Expect(Reverse("ticket-81", order), OutcomeCode::kApplied);
  world->Expect(Reverse("fraud-job-5", order), OutcomeCode::kConflict);
  world->Expect(Pay(order), OutcomeCode::kDuplicate);  // it stays reversed

  const Payment spent{"order-78", "account/alice", "account/shop", 1000};
  world->Expect(Pay(spent), OutcomeCode::kApplied);
  world->Expect(recipes::Transfer("rent", "account/shop", "bank", 1000), OutcomeCode::kApplied);
  world->Expect(Reverse("ticket-82", spent), OutcomeCode::kRejected);  // the shop has nothing to give back
  world->RedeliverAll();

  world->Expect(Pay({"order-79", "account/alice", "account/shop", 3000}), OutcomeCode::kApplied);
  world->Expect(Reverse("ticket-82", spent), OutcomeCode::kApplied);  // asked again, now that there is money
  world->RedeliverAll();
  std::cout << "alice " << world->Balance("account/alice") << ", shop " << world->Balance("account/shop") << "\n";
}

void CheckEveryOrder() {
  const Payment order{"order-77", "account/alice", "account/shop", 4999};
  recipes::InEveryOrder(OpenAccounts(), {Pay(order), Reverse("ticket-81", order), Reverse("fraud-job-5", order)},
                        [](Rehearsal* world) {
                          const bool paid = world->Applied("order-77");
                          const int reversals = world->Applied("ticket-81") + world->Applied("fraud-job-5");
                          recipes::Require(reversals <= (paid ? 1 : 0), "reversed twice, or before it was made");
                          const semel::Amount shop = paid && reversals == 0 ? 4999 : 0;
                          recipes::Require(world->Balance("account/shop") == shop, "the shop has a wrong balance");
                          recipes::Require(world->Balance("account/alice") == 10000 - shop, "so has alice");
                        });
}

void CheckRace() {
  Rehearsal world;
  for (const semel::Change& message : OpenAccounts()) world.Deliver(message);
  const Payment order{"order-77", "account/alice", "account/shop", 4999};
  world.Deliver(Pay(order));
  std::vector<semel::Change> reversals;
  for (int i = 0; i < 16; ++i) reversals.push_back(Reverse("ticket-" + std::to_string(i / 2), order));
  recipes::Require(recipes::AtOnce(world.ledger(), reversals) == 1, "reversed more than once");
}

}  // namespace

int main() {
  Rehearsal world;
  Tell(&world);
  CheckEveryOrder();
  CheckRace();
}
