// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A broker in memory, with the unkindness of real ones: it delivers again what was not acknowledged, in another order
// if told so, and loses its connection at any step.

#ifndef SEMEL_TESTS_STREAMS_FAKE_BROKER_H_
#define SEMEL_TESTS_STREAMS_FAKE_BROKER_H_

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/streams/runner.h"

namespace semel::streams {

struct FakeBroker {
  // What is lost, how often; each counts down when it happens.
  int lose_at_poll = 0;
  int lose_at_commit = 0;
  bool shuffled = false;   // queue: redeliveries come in reverse order
  bool positions = false;  // a log: from the ledger's cursor on, in order

  std::vector<std::string> stored;
  size_t deleted = 0;             // a log: so many at its beginning are gone
  std::set<size_t> acknowledged;  // queue: indexes of `stored`
  std::vector<std::string> refused;
  uint64_t deliveries = 0;

  Connect connect();
};

class FakeConsumer : public Consumer {
 public:
  FakeConsumer(FakeBroker* broker, size_t begin) : broker_(broker) {
    for (size_t i = begin; i < broker->stored.size(); ++i) {
      if (broker->positions || broker->acknowledged.count(i) == 0) waiting_.push_back(i);
    }
    if (broker->shuffled) std::reverse(waiting_.begin(), waiting_.end());
  }

  absl::StatusOr<std::vector<Message>> Poll(size_t max, std::chrono::milliseconds) override {
    if (broker_->lose_at_poll > 0 && --broker_->lose_at_poll == 0) return absl::UnavailableError("poll");
    std::vector<Message> messages;
    while (messages.size() < max && !waiting_.empty()) {
      const size_t index = waiting_.front();
      waiting_.erase(waiting_.begin());
      ++broker_->deliveries;
      Message& message = messages.emplace_back();
      message.bytes = broker_->stored[index];
      message.delivery = index;
      message.empty = message.bytes.empty();
      if (!broker_->positions) continue;
      message.position.emplace();
      message.position->name = "fake";
      message.position->position = index + 1;
    }
    return messages;
  }

  absl::Status Settle(const Message& message, Settlement settlement) override {
    settled_.emplace_back(message.delivery, settlement);
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    if (broker_->lose_at_commit > 0 && --broker_->lose_at_commit == 0) return absl::UnavailableError("commit");
    bool rewound = false;
    for (const auto& [index, settlement] : settled_) {
      if (settlement == Settlement::kRefuse) broker_->refused.push_back(broker_->stored[index]);
      if (settlement == Settlement::kLater && broker_->positions && !rewound) Rewind(index);
      if (settlement == Settlement::kLater && !broker_->positions) waiting_.push_back(index);
      rewound = rewound || settlement == Settlement::kLater;
      if (settlement != Settlement::kLater) broker_->acknowledged.insert(index);
    }
    settled_.clear();
    return absl::OkStatus();
  }

  absl::StatusOr<bool> AtEnd() override { return waiting_.empty(); }

 private:
  void Rewind(size_t index) {
    waiting_.clear();
    for (size_t i = index; i < broker_->stored.size(); ++i) waiting_.push_back(i);
  }

  FakeBroker* const broker_;
  std::vector<size_t> waiting_;
  std::vector<std::pair<size_t, Settlement>> settled_;
};

inline Connect FakeBroker::connect() {
  return [this](const Cursors& cursors) -> absl::StatusOr<std::unique_ptr<Consumer>> {
    if (!positions) return std::make_unique<FakeConsumer>(this, 0);
    SourcePosition source;
    source.name = "fake";
    const absl::StatusOr<std::optional<uint64_t>> next =
        NextPosition(cursors, source, Extent{deleted + 1, stored.size() + 1});
    if (!next.ok()) return next.status();
    return std::make_unique<FakeConsumer>(this, next->value_or(1) - 1);
  };
}

}  // namespace semel::streams

#endif  // SEMEL_TESTS_STREAMS_FAKE_BROKER_H_
