// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the contenders that are key-value stores share: the updates of a batch in key order, and the record of an
// account.

#ifndef SEMEL_API_BENCH_BATCH_H_
#define SEMEL_API_BENCH_BATCH_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "semel/change.h"

namespace semel::bench {

struct Step {
  const Change* change;
  const Update* update;
};

// The updates of all changes in `steps`; `changes` must outlive them.
inline void ListSteps(absl::Span<const Change> changes, std::vector<Step>* steps) {
  steps->clear();
  for (const Change& change : changes) {
    for (const Update& update : change.updates) steps->push_back({&change, &update});
  }
}

// The same by key; those of one key stay in order.
inline void ListStepsByKey(absl::Span<const Change> changes, std::vector<Step>* steps) {
  ListSteps(changes, steps);
  std::stable_sort(steps->begin(), steps->end(),
                   [](const Step& a, const Step& b) { return a.update->key < b.update->key; });
}

// An account as bytes: 40 of these, then its value.
class Record {
 public:
  // `stored`: what Bytes() gave; empty: never existed. Keeps a copy.
  void Read(std::string_view stored) {
    fields_ = {};
    value_.clear();
    if (stored.empty()) return;
    std::memcpy(&fields_, stored.data(), sizeof fields_);
    value_.assign(stored.substr(sizeof fields_));
  }

  // Whether the version was as expected; then the record is what it is after the update.
  bool Apply(const Step& step) {
    if (fields_.version != *step.update->expect_version) return false;
    ++fields_.version;
    if (step.update->action == Action::kAdd) {
      Amount balance = this->balance() + step.update->amount;
      std::memcpy(fields_.balance, &balance, sizeof balance);
    } else {
      value_ = step.update->value;
    }
    std::memcpy(fields_.id, step.change->id.data(), std::min(step.change->id.size(), sizeof fields_.id));
    return true;
  }

  // Good until the next call.
  std::string_view Bytes() {
    bytes_.assign(reinterpret_cast<const char*>(&fields_), sizeof fields_);
    bytes_ += value_;
    return bytes_;
  }

  uint64_t version() const { return fields_.version; }
  Amount balance() const {
    Amount balance = 0;
    std::memcpy(&balance, fields_.balance, sizeof balance);
    return balance;
  }

 private:
  struct Fields {
    uint64_t version = 0;
    char balance[16] = {};
    char id[16] = {};  // of the last change
  };
  Fields fields_;
  std::string value_;
  std::string bytes_;
};

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_BATCH_H_
