// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// An exchange of euros for dollars at the rate that the customer was shown. Four accounts move together or not at all,
// and only while the rate is still the one that the offer was made at.
//
// rate/EUR-USD: dollars for 10000 euros. exchange/<request>: at most one offer of a request is executed.

#include <iostream>
#include <string>
#include <vector>

#include "examples/recipes/rehearsal.h"

namespace {

using recipes::Rehearsal;
using semel::OutcomeCode;

constexpr char kRate[] = "rate/EUR-USD";

// The feed numbers its messages; a late one changes nothing.
semel::Change SetRate(uint64_t number, const std::string& rate) {
  semel::Change change("rate-" + std::to_string(number));
  change.AddUpdate(kRate).Newer(number).Put(rate);
  return change;
}

// A request of a customer, at the rate that the customer saw.
struct Offer {
  std::string request;
  std::string customer;
  int64_t euro_cents = 0;
  int64_t rate = 0;
  uint64_t rate_version = 0;
};

Offer MakeOffer(semel::Ledger* ledger, const std::string& request, const std::string& customer, int64_t euro_cents) {
  const semel::Entity rate = ledger->Get(kRate).value();
  return {request, customer, euro_cents, std::stoll(rate.value.value()), rate.version};
}

// Another rate is another intent, so the rate's version is part of the id; the request's document lets in one.
semel::Change Accept(const Offer& offer) {
  const int64_t dollar_cents = offer.euro_cents * offer.rate / 10000;  // rounded in favour of the bank
  semel::Change change(offer.request + "@" + std::to_string(offer.rate_version));
  change.balanced = true;
  change.AddUpdate("exchange/" + offer.request).ExpectVersion(0).Put("accepted");
  change.AddUpdate("account/" + offer.customer + "/EUR").Add(-offer.euro_cents, "EUR");
  change.AddUpdate("bank/EUR").Add(offer.euro_cents, "EUR");
  change.AddUpdate("bank/USD").Add(-dollar_cents, "USD");
  change.AddUpdate("account/" + offer.customer + "/USD").Add(dollar_cents, "USD");
  change.AddUpdate(kRate).ExpectVersion(offer.rate_version).Check();
  return change;
}

std::vector<semel::Change> OpenAccounts() {
  return {recipes::Open("bank/EUR", "EUR"),
          recipes::Open("bank/USD", "USD", -20000),  // the bank may owe 200 dollars, no more
          recipes::Open("account/alice/EUR", "EUR", 0),
          recipes::Open("account/alice/USD", "USD", 0),
          recipes::Transfer("salary", "bank/EUR", "account/alice/EUR", 50000),
          SetRate(1, "10850")};
}

void Tell(Rehearsal* world) {
  for (const semel::Change& message : OpenAccounts()) world->Expect(message, OutcomeCode::kApplied);

  const Offer seen = MakeOffer(world->ledger(), "X-1", "alice", 10000);
  world->Expect(SetRate(3, "10700"), OutcomeCode::kApplied);
  world->Expect(SetRate(2, "10800"), OutcomeCode::kSuperseded);  // late
  const semel::Outcome stale = world->Expect(Accept(seen), OutcomeCode::kConflict);
  recipes::Require(stale.conflict == semel::Conflict::kCheckFailed, "the rate is what moved");

  const Offer fresh = MakeOffer(world->ledger(), "X-1", "alice", 10000);  // shown to the customer again
  world->Expect(Accept(fresh), OutcomeCode::kApplied);
  world->Expect(SetRate(4, "10900"), OutcomeCode::kApplied);
  world->Expect(Accept(fresh), OutcomeCode::kDuplicate);  // whatever the rate is now
  world->Expect(Accept(MakeOffer(world->ledger(), "X-1", "alice", 10000)),
                OutcomeCode::kConflict);  // the request is done

  world->Expect(Accept(MakeOffer(world->ledger(), "X-2", "alice", 30000)), OutcomeCode::kRejected);  // bank/USD
  world->RedeliverAll();
  std::cout << "alice " << world->Balance("account/alice/EUR") << " EUR, " << world->Balance("account/alice/USD")
            << " USD, bank " << world->Balance("bank/EUR") << " EUR, " << world->Balance("bank/USD") << " USD\n";
}

// An offer at each of two rates, and the message that moves the rate between them.
void CheckEveryOrder() {
  const Offer first{"X-1", "alice", 10000, 10850, 1};
  const Offer second{"X-1", "alice", 10000, 10700, 2};
  recipes::InEveryOrder(OpenAccounts(), {Accept(first), SetRate(2, "10700"), Accept(second)}, [](Rehearsal* world) {
    const bool at_first = world->Applied("X-1@1");
    const bool at_second = world->Applied("X-1@2");
    recipes::Require(!(at_first && at_second), "one request, executed twice");
    recipes::Require(!at_second || world->Applied("rate-2"), "executed at a rate that is not there yet");
    const semel::Amount dollars = at_first ? 10850 : at_second ? 10700 : 0;
    recipes::Require(world->Balance("account/alice/USD") == dollars, "alice has wrong dollars");
    recipes::Require(world->Balance("bank/USD") == -dollars, "dollars were made or lost");
    recipes::Require(world->Balance("account/alice/EUR") == (dollars == 0 ? 50000 : 40000), "wrong euros");
  });
}

// Many customers exchange while the rate moves: each at the rate that it was shown, or not at all.
void CheckRace() {
  Rehearsal world;
  for (const semel::Change& message : OpenAccounts()) world.Deliver(message);
  std::vector<semel::Change> messages;
  for (int i = 0; i < 16; ++i) {
    messages.push_back(Accept(MakeOffer(world.ledger(), "X-" + std::to_string(i), "alice", 100)));
    if (i == 8) messages.push_back(SetRate(2, "10700"));
  }
  const int accepted = recipes::AtOnce(world.ledger(), messages) - 1;
  recipes::Require(world.Balance("account/alice/USD") == accepted * 108, "not the rate that was shown");
  recipes::Require(world.Balance("account/alice/EUR") == 50000 - accepted * 100, "not what was exchanged");
}

}  // namespace

int main() {
  Rehearsal world;
  Tell(&world);
  CheckEveryOrder();
  CheckRace();
}
