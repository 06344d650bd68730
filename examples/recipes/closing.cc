// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Closing an account while messages for it are still under way: what is left is paid out, then the account is closed,
// and never with money in it.

#include <iostream>
#include <string>
#include <vector>

#include "examples/recipes/rehearsal.h"

namespace {

using recipes::Rehearsal;
using semel::OutcomeCode;

// One step of closing, made of what the account was when it was read. The version is part of the id: another version
// is another step. Two who close the same account make the same messages.
std::string StepId(const semel::Entity& account) {
  return "close-" + account.key + "@" + std::to_string(account.version);
}

// Pays out everything; if the account has moved since it was read, nothing.
semel::Change PayOut(const semel::Entity& account, const std::string& to) {
  semel::Change change(StepId(account));
  change.balanced = true;
  change.AddUpdate(account.key).ExpectVersion(account.version).Add(-account.balance, "EUR");
  change.AddUpdate(to).Add(account.balance, "EUR");
  return change;
}

// The limits let in no balance but zero, so the rules refuse to close an account that has money after all. `held` must
// be empty too: what it holds could not come back to a closed account.
semel::Change Close(const semel::Entity& account, const std::string& held) {
  semel::Policy policy;
  policy.closed = true;
  policy.min_balance = 0;
  policy.max_balance = 0;
  semel::Change change(StepId(account));
  change.AddUpdate(account.key).ExpectVersion(account.version).SetPolicy(policy);
  change.AddUpdate(held).ExpectBalance(0).Check();
  return change;
}

// Looks, and takes the next step, until the account is closed. If another change took the version, the next look
// decides again. Returns false if it cannot be closed now, as when money is held.
bool CloseAccount(Rehearsal* world, const std::string& name, const std::string& to) {
  while (true) {
    const semel::Entity account = world->Get("account/" + name);
    if (account.policy.closed.value_or(false)) return true;
    const semel::Outcome outcome =
        world->Deliver(account.balance != 0 ? PayOut(account, to) : Close(account, "held/" + name));
    if (!outcome.settled() && outcome.conflict != semel::Conflict::kTaken) return false;
  }
}

std::vector<semel::Change> OpenAccounts() {
  return {recipes::Open("bank", "EUR"), recipes::Open("account/alice", "EUR", 0), recipes::Open("held/alice", "EUR", 0),
          recipes::Open("account/alice-elsewhere", "EUR", 0),
          recipes::Transfer("salary", "bank", "account/alice", 10000)};
}

void Tell(Rehearsal* world) {
  for (const semel::Change& message : OpenAccounts()) world->Expect(message, OutcomeCode::kApplied);

  const semel::Entity seen = world->Get("account/alice");
  world->Expect(recipes::Transfer("refund", "bank", "account/alice", 500), OutcomeCode::kApplied);  // in between
  world->Expect(PayOut(seen, "account/alice-elsewhere"), OutcomeCode::kConflict);

  world->Expect(recipes::Transfer("hold", "account/alice", "held/alice", 100), OutcomeCode::kApplied);
  recipes::Require(!CloseAccount(world, "alice", "account/alice-elsewhere"), "closed while money is held");
  world->Expect(recipes::Transfer("release", "held/alice", "account/alice", 100), OutcomeCode::kApplied);
  recipes::Require(CloseAccount(world, "alice", "account/alice-elsewhere"), "it can be closed now");

  const semel::Outcome late =
      world->Expect(recipes::Transfer("late", "bank", "account/alice", 700), OutcomeCode::kRejected);
  recipes::Require(late.rule == semel::Rule::kClosed, "the account is closed");
  world->Expect(recipes::Transfer("refund", "bank", "account/alice", 500), OutcomeCode::kDuplicate);
  world->RedeliverAll();
  std::cout << "alice " << world->Balance("account/alice") << ", elsewhere "
            << world->Balance("account/alice-elsewhere") << ", bank " << world->Balance("bank") << "\n";
}

// A closed account is empty, and no money is made or lost.
void CheckClosing(Rehearsal* world) {
  const semel::Entity alice = world->Get("account/alice");
  recipes::Require(!alice.policy.closed.value_or(false) || alice.balance == 0, "closed with money in it");
  recipes::Require(world->Balance("bank") + alice.balance + world->Balance("account/alice-elsewhere") == 0,
                   "money was made or lost");
}

// The steps that one would take if nothing came in between, and a transfer that does.
void CheckEveryOrder() {
  semel::Entity alice;
  alice.key = "account/alice";
  alice.version = 2;
  alice.balance = 10000;
  const semel::Change pay_out = PayOut(alice, "account/alice-elsewhere");
  alice.version = 3;
  const semel::Change close = Close(alice, "held/alice");
  recipes::InEveryOrder(OpenAccounts(), {pay_out, close, recipes::Transfer("refund", "bank", "account/alice", 500)},
                        CheckClosing);
}

// Transfers in, and two who close, all at once.
void CheckRace() {
  Rehearsal world;
  for (const semel::Change& message : OpenAccounts()) world.Deliver(message);
  std::vector<semel::Change> messages;
  for (int i = 0; i < 8; ++i) {
    messages.push_back(recipes::Transfer("in-" + std::to_string(i), "bank", "account/alice", 10));
    semel::Entity seen = world.Get("account/alice");
    messages.push_back(PayOut(seen, "account/alice-elsewhere"));
  }
  recipes::AtOnce(world.ledger(), messages);
  recipes::Require(CloseAccount(&world, "alice", "account/alice-elsewhere"), "nothing holds it open");
  CheckClosing(&world);
  recipes::Require(world.Balance("account/alice-elsewhere") == 10080, "everything was paid out once");
}

}  // namespace

int main() {
  Rehearsal world;
  Tell(&world);
  CheckEveryOrder();
  CheckRace();
}
