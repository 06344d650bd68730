// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the recipes share: a ledger in memory, answers that must be the expected ones, every message delivered again,
// and messages in every order. The first thing that is not as it should be ends the program.

#ifndef SEMEL_EXAMPLES_RECIPES_REHEARSAL_H_
#define SEMEL_EXAMPLES_RECIPES_REHEARSAL_H_

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "semel/ledger.h"

namespace recipes {

inline void Require(bool holds, const std::string& what) {
  if (holds) return;
  std::cerr << "this must not happen: " << what << "\n";
  std::exit(1);
}

// Opens an account of an asset; no add may lead below `least`.
inline semel::Change Open(const std::string& key, const std::string& asset,
                          std::optional<semel::Amount> least = std::nullopt) {
  semel::Policy policy;
  policy.asset = asset;
  policy.min_balance = least;
  semel::Change change("open-" + key);
  change.AddUpdate(key).ExpectVersion(0).SetPolicy(policy);
  return change;
}

// Moves an amount once; both accounts must be of the asset.
inline semel::Change Transfer(const std::string& id, const std::string& from, const std::string& to,
                              semel::Amount amount, const std::string& asset = "EUR") {
  semel::Change change(id);
  change.balanced = true;
  change.AddUpdate("transfer/" + id).ExpectVersion(0).Put(from + " to " + to);
  change.AddUpdate(from).Add(-amount, asset);
  change.AddUpdate(to).Add(amount, asset);
  return change;
}

class Rehearsal {
 public:
  Rehearsal() : ledger_(semel::Ledger::OpenInMemory(SmallLedger()).value()) {}

  semel::Ledger* ledger() { return ledger_.get(); }
  semel::Entity Get(const std::string& key) { return ledger_->Get(key).value(); }
  semel::Amount Balance(const std::string& key) { return Get(key).balance; }

  // Delivers a message. It is applied once at most, however often it comes.
  semel::Outcome Deliver(const semel::Change& message) {
    messages_.push_back(message);
    semel::Outcome outcome = ledger_->Apply(message).value();
    if (outcome.applied()) ++applied_[message.id];
    Require(applied_[message.id] <= 1, message.id + " is applied twice");
    return outcome;
  }

  // Delivers a message, shows the answer, and insists on it.
  semel::Outcome Expect(const semel::Change& message, semel::OutcomeCode code) {
    const semel::Outcome outcome = Deliver(message);
    std::cout << message.id << ": " << ToString(outcome.code);
    if (outcome.code != code || outcome.refused()) std::cout << " (" << outcome.reason << ")";
    std::cout << "\n";
    Require(outcome.code == code, std::string(ToString(code)) + " was expected");
    return outcome;
  }

  // Delivers every message once more, from first to last and from last to first. Nothing may move.
  void RedeliverAll() {
    std::vector<semel::Change> again = messages_;
    again.insert(again.end(), messages_.rbegin(), messages_.rend());
    const uint64_t sequence = ledger_->GetStats()->sequence;
    for (const semel::Change& message : again) Deliver(message);
    Require(ledger_->GetStats()->sequence == sequence, "a redelivery changed something");
    std::cout << again.size() << " redeliveries: nothing moved\n";
  }

  bool Applied(const std::string& id) { return applied_[id] != 0; }

 private:
  static semel::Options SmallLedger() {
    semel::Options options;
    options.segment_bytes = 64 << 10;  // thousands of them are made
    return options;
  }

  const std::unique_ptr<semel::Ledger> ledger_;
  std::vector<semel::Change> messages_;  // as they came
  std::map<std::string, int> applied_;   // how often, by id
};

// Delivers the messages in every order, each twice, to a new ledger that has seen `before`; then again and again until
// nothing is early any more, or nothing moves. `invariant` is asked after each delivery.
inline void InEveryOrder(const std::vector<semel::Change>& before, const std::vector<semel::Change>& messages,
                         const std::function<void(Rehearsal*)>& invariant) {
  std::vector<size_t> order;
  for (size_t i = 0; i < messages.size(); ++i) order.insert(order.end(), 2, i);
  int orders = 0;
  do {
    Rehearsal rehearsal;
    for (const semel::Change& message : before) Require(rehearsal.Deliver(message).applied(), message.id);
    auto deliver = [&](size_t i) {
      const bool applied = rehearsal.Deliver(messages[i]).applied();
      invariant(&rehearsal);
      return applied;
    };
    for (const size_t i : order) deliver(i);
    for (bool moving = true; moving;) {
      moving = false;
      for (size_t i = 0; i < messages.size(); ++i) moving |= deliver(i);
    }
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  std::cout << orders << " orders of " << messages.size() << " messages, each delivered twice: all is well\n";
}

// Delivers the messages from as many threads at once. Returns how many were applied.
inline int AtOnce(semel::Ledger* ledger, const std::vector<semel::Change>& messages) {
  std::vector<std::thread> senders;
  std::vector<int> applied(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    senders.emplace_back([&, i] { applied[i] = ledger->Apply(messages[i]).value().applied() ? 1 : 0; });
  }
  for (std::thread& sender : senders) sender.join();
  return static_cast<int>(std::count(applied.begin(), applied.end(), 1));
}

}  // namespace recipes

#endif  // SEMEL_EXAMPLES_RECIPES_REHEARSAL_H_
