// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Orders that go from state to state. The shop numbers the events of an order, and each event says which version of
// the order it builds on. A queue delivers them late, twice and in the wrong order; every order takes the right way.
//
//   order_state_machine [DIRECTORY]

#include <deque>
#include <iostream>
#include <string>
#include <vector>

#include "semel/ledger.h"

namespace {

// The event that makes `state` out of version `version` of the order.
semel::Change Event(const std::string& order, uint64_t version, const std::string& state) {
  semel::Change change(order + "-" + state);
  change.AddUpdate("order/" + order).ExpectVersion(version).Put(state);
  return change;
}

// What a consumer does with each answer. Returns false if the event must be delivered again later.
bool Consume(semel::Ledger* ledger, const semel::Change& event) {
  const semel::Outcome outcome = ledger->Apply(event).value();
  std::cout << "  " << event.id << ": " << ToString(outcome.code);
  if (!outcome.reason.empty()) std::cout << " (" << outcome.reason << ")";
  std::cout << "\n";
  return !outcome.early();
}

// Feeds a queue until it is empty; what is early goes back to its end. An event whose predecessor never comes would go
// round for ever: a real queue gives up after some time.
void Drain(semel::Ledger* ledger, std::deque<semel::Change> queue) {
  while (!queue.empty()) {
    const semel::Change event = queue.front();
    queue.pop_front();
    if (!Consume(ledger, event)) queue.push_back(event);
  }
}

// Two offices looked at version 1 of an order; only one of them moves it on. The other is told so, and has to look
// again.
void Race(semel::Ledger* ledger, const std::string& order) {
  Consume(ledger, Event(order, 1, "packed"));
  Consume(ledger, Event(order, 1, "cancelled"));
  std::cout << "  the order is " << *ledger->Get("order/" + order).value().value << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  semel::Options options;
  options.create_if_missing = true;
  auto ledger = semel::Ledger::Open(argc > 1 ? argv[1] : "order_state_machine.ledger", options);
  if (!ledger.ok()) {
    std::cerr << ledger.status() << "\n";
    return 1;
  }

  std::cout << "Out of order, and one event twice:\n";
  Drain(ledger->get(), {Event("77", 2, "shipped"), Event("77", 0, "placed"), Event("77", 1, "paid"),
                        Event("77", 0, "placed"), Event("77", 3, "delivered")});

  std::cout << "Two decisions about one version:\n";
  Drain(ledger->get(), {Event("78", 0, "placed")});
  Race(ledger->get(), "78");

  const semel::Entity order = (*ledger)->Get("order/77").value();
  std::cout << "order 77 is " << *order.value << " at version " << order.version << "\n";
  return order.version == 4 && *order.value == "delivered" ? 0 : 1;
}
