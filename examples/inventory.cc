// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A stock counter fed by messages that carry the quantity they saw: "there were 10, take 3". The counter may come back
// to 10 later; the same message delivered again is still recognised, because its id stands in the counter's history.
//
//   inventory [DIRECTORY]

#include <iostream>
#include <string>

#include "semel/ledger.h"

namespace {

constexpr char kBolts[] = "stock/bolts";

// "I saw `seen` pieces; change that by `difference`."
semel::Change Movement(const std::string& id, semel::Amount seen, semel::Amount difference) {
  semel::Change change(id);
  change.AddUpdate(kBolts).ExpectBalance(seen).Add(difference);
  return change;
}

semel::Outcome Move(semel::Ledger* ledger, const semel::Change& movement) {
  semel::Outcome outcome = ledger->Apply(movement).value();
  std::cout << movement.id << ": " << ToString(outcome.code);
  if (!outcome.updates.empty()) std::cout << ", " << outcome.updates[0].balance << " in stock";
  std::cout << "\n";
  return outcome;
}

// A scanner that lost against another one looks at the stock that the answer names and asks again. The id stays: it
// is the same intent, and if the first attempt had been applied after all, the second would be a duplicate.
semel::Outcome MoveUntilDecided(semel::Ledger* ledger, const std::string& id, semel::Amount seen,
                                semel::Amount difference) {
  semel::Outcome outcome = Move(ledger, Movement(id, seen, difference));
  while (outcome.conflict == semel::Conflict::kBalanceDiffers) {
    outcome = Move(ledger, Movement(id, outcome.updates[0].balance, difference));
  }
  return outcome;
}

// Stock cannot be negative: a rule of the entity, checked after every precondition.
void StartCounting(semel::Ledger* ledger) {
  semel::Policy policy;
  policy.asset = "pieces";
  policy.min_balance = 0;
  semel::Change change("count-bolts");
  change.AddUpdate(kBolts).ExpectVersion(0).SetPolicy(policy);
  ledger->Apply(change).value();
}

}  // namespace

int main(int argc, char** argv) {
  semel::Options options;
  options.create_if_missing = true;
  auto opened = semel::Ledger::Open(argc > 1 ? argv[1] : "inventory.ledger", options);
  if (!opened.ok()) {
    std::cerr << opened.status() << "\n";
    return 1;
  }
  semel::Ledger* ledger = opened->get();

  StartCounting(ledger);
  Move(ledger, Movement("delivery-1", 0, 10));
  Move(ledger, Movement("pick-1", 10, -3));
  Move(ledger, Movement("return-1", 7, 3));  // ten again ...
  Move(ledger, Movement("pick-1", 10, -3));  // ... and a late redelivery that would match: DUPLICATE

  MoveUntilDecided(ledger, "pick-2", 7, -4);  // this scanner's figure was old
  Move(ledger, Movement("pick-3", 6, -9));    // more than there is: REJECTED

  const semel::Amount left = ledger->Get(kBolts).value().balance;
  std::cout << left << " bolts left\n";
  return left == 6 ? 0 : 1;
}
