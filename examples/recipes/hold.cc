// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A hold sets money aside until it is captured, released or has expired: one of the three, once.
//
// hold/<id> is version 1 while the money is held. Whatever ends the hold expects version 1 and makes version 2, so that
// the first that comes is the only one, whoever sends it.

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "examples/recipes/rehearsal.h"

namespace {

using recipes::Rehearsal;
using semel::OutcomeCode;

struct Hold {
  std::string id;
  std::string account;
  int64_t cents = 0;
  std::string until;  // the day after which it may be expired
};

// Sets money aside, and keeps the terms for those who end the hold.
semel::Change Reserve(const Hold& hold) {
  semel::Change change(hold.id + "/reserve");
  change.balanced = true;
  change.AddUpdate("hold/" + hold.id)
      .ExpectVersion(0)
      .Put(hold.account + " " + std::to_string(hold.cents) + " " + hold.until);
  change.AddUpdate("account/" + hold.account).Add(-hold.cents, "EUR");
  change.AddUpdate("held/" + hold.account).Add(hold.cents, "EUR");
  return change;
}

// The terms of a hold that is open, as those who end it read them.
Hold ReadHold(semel::Ledger* ledger, const std::string& id) {
  Hold hold{id, "", 0, ""};
  std::istringstream terms(ledger->Get("hold/" + id).value().value.value_or(""));
  terms >> hold.account >> hold.cents >> hold.until;
  return hold;
}

// What all endings have in common: the money leaves what is held, and version 2 says why.
semel::Change End(const Hold& hold, const std::string& how) {
  semel::Change change(hold.id + "/" + how);
  change.balanced = true;
  change.AddUpdate("hold/" + hold.id).ExpectVersion(1).Put(how);
  change.AddUpdate("held/" + hold.account).Add(-hold.cents, "EUR");
  return change;
}

// Pays the shop; what is not captured goes back.
semel::Change Capture(const Hold& hold, const std::string& shop, int64_t cents) {
  semel::Change change = End(hold, "capture");
  change.AddUpdate("account/" + shop).Add(cents, "EUR");
  if (cents < hold.cents) change.AddUpdate("account/" + hold.account).Add(hold.cents - cents, "EUR");
  return change;
}

// `how` is "release" (the shop gives up) or "expire" (its time is over).
semel::Change GiveBack(const Hold& hold, const std::string& how) {
  semel::Change change = End(hold, how);
  change.AddUpdate("account/" + hold.account).Add(hold.cents, "EUR");
  return change;
}

// Makes a refusal last: the hold can never be reserved any more, and a closed entity can never be captured.
semel::Change Decline(const Hold& hold) {
  semel::Policy policy;
  policy.closed = true;
  semel::Change change(hold.id + "/decline");
  change.AddUpdate("hold/" + hold.id).ExpectVersion(0).SetPolicy(policy);
  return change;
}

std::vector<semel::Change> OpenAccounts() {
  return {recipes::Open("bank", "EUR"), recipes::Open("account/alice", "EUR", 0), recipes::Open("held/alice", "EUR", 0),
          recipes::Open("account/shop", "EUR", 0), recipes::Transfer("salary", "bank", "account/alice", 10000)};
}

void Tell(Rehearsal* world) {
  for (const semel::Change& message : OpenAccounts()) world->Expect(message, OutcomeCode::kApplied);

  world->Expect(Reserve({"H-1", "alice", 2500, "2026-11-28"}), OutcomeCode::kApplied);
  const Hold first = ReadHold(world->ledger(), "H-1");
  world->Expect(Capture(first, "shop", 2000), OutcomeCode::kApplied);
  world->Expect(GiveBack(first, "release"), OutcomeCode::kConflict);

  const Hold second{"H-2", "alice", 3000, "2026-11-28"};
  world->Expect(Capture(second, "shop", 3000), OutcomeCode::kEarly);  // came before the reservation
  world->Expect(Reserve(second), OutcomeCode::kApplied);
  world->Expect(GiveBack(second, "expire"), OutcomeCode::kApplied);
  world->Expect(Capture(second, "shop", 3000), OutcomeCode::kConflict);

  const Hold third{"H-3", "alice", 9000, "2026-11-28"};
  world->Expect(Reserve(third), OutcomeCode::kRejected);
  world->Expect(Decline(third), OutcomeCode::kApplied);
  world->Expect(recipes::Transfer("bonus", "bank", "account/alice", 5000), OutcomeCode::kApplied);
  world->Expect(Reserve(third), OutcomeCode::kConflict);  // though there is money now
  world->Expect(Capture(third, "shop", 9000), OutcomeCode::kRejected);
  world->RedeliverAll();
  std::cout << "alice " << world->Balance("account/alice") << ", held " << world->Balance("held/alice") << ", shop "
            << world->Balance("account/shop") << "\n";
}

// Beside another hold of the same account, whose money is not to be touched.
std::vector<semel::Change> OpenAccountsWithAnotherHold() {
  std::vector<semel::Change> messages = OpenAccounts();
  messages.push_back(Reserve({"H-9", "alice", 3000, "2026-11-30"}));
  return messages;
}

// Whichever of the messages come first: the money is at one place, and the hold ends once at most.
void CheckEveryOrder() {
  const Hold hold{"H-1", "alice", 2500, "2026-11-28"};
  recipes::InEveryOrder(
      OpenAccountsWithAnotherHold(),
      {Reserve(hold), Capture(hold, "shop", 2500), GiveBack(hold, "release"), GiveBack(hold, "expire")},
      [](Rehearsal* world) {
        const semel::Amount held = world->Balance("held/alice");
        const semel::Amount shop = world->Balance("account/shop");
        const bool reserved = world->Applied("H-1/reserve");
        const bool captured = world->Applied("H-1/capture");
        const int endings = captured + world->Applied("H-1/release") + world->Applied("H-1/expire");
        recipes::Require(endings <= (reserved ? 1 : 0), "a hold ends twice, or before it began");
        recipes::Require(held == 3000 + (reserved && endings == 0 ? 2500 : 0), "not what is held");
        recipes::Require(shop == (captured ? 2500 : 0), "the shop has what was not captured");
        recipes::Require(world->Balance("account/alice") + held + shop == 10000, "money was made or lost");
      });
}

// A refusal that was made final, against the same messages.
void CheckEveryOrderOfDecline() {
  const Hold hold{"H-1", "alice", 2500, "2026-11-28"};
  recipes::InEveryOrder(OpenAccountsWithAnotherHold(), {Reserve(hold), Decline(hold), Capture(hold, "shop", 2500)},
                        [](Rehearsal* world) {
                          const bool declined = world->Applied("H-1/decline");
                          recipes::Require(!(declined && world->Applied("H-1/reserve")), "declined and reserved");
                          recipes::Require(!(declined && world->Applied("H-1/capture")), "declined and captured");
                          recipes::Require(world->Balance("held/alice") >= 3000, "the other hold was touched");
                        });
}

void CheckRace() {
  Rehearsal world;
  for (const semel::Change& message : OpenAccounts()) world.Deliver(message);
  const Hold hold{"H-1", "alice", 2500, "2026-11-28"};
  world.Deliver(Reserve(hold));
  std::vector<semel::Change> messages;
  for (int i = 0; i < 8; ++i) {
    messages.push_back(Capture(hold, "shop", 2500));
    messages.push_back(GiveBack(hold, "release"));
  }
  recipes::Require(recipes::AtOnce(world.ledger(), messages) == 1, "more than one ending");
}

}  // namespace

int main() {
  Rehearsal world;
  Tell(&world);
  CheckEveryOrder();
  CheckEveryOrderOfDecline();
  CheckRace();
}
