// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Heads and pasts for tests of the rules, without a journal.

#ifndef SEMEL_TESTS_RULES_FAKE_HISTORY_H_
#define SEMEL_TESTS_RULES_FAKE_HISTORY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/rules/classify.h"

namespace semel::internal {

// The past of each update's entity: past[i][v - 1] made version v, nullopt if it is not readable. The newest of each is
// the head's own and never asked for.
class FakeHistory final : public History {
 public:
  std::vector<std::vector<std::optional<EntryRef>>> past;
  std::map<std::pair<Lsn, size_t>, uint64_t> given;  // what VersionGivenBy answers
  absl::Status error;                                // of every call, unless OK
  int calls = 0;

  absl::StatusOr<std::optional<EntryRef>> At(size_t i, uint64_t version) override {
    ++calls;
    if (!error.ok()) return error;
    return past.at(i).at(version - 1);
  }

  absl::StatusOr<Search> Find(size_t i, const IdTag& id, uint64_t after, uint64_t limit) override {
    ++calls;
    if (!error.ok()) return error;
    for (uint64_t version = past.at(i).size() - 1; version > after; --version, --limit) {
      const std::optional<EntryRef>& entry = past.at(i).at(version - 1);
      if (limit == 0 || !entry) return Search{std::nullopt, false};
      if (entry->id == id) return Search{entry, true};
    }
    return Search{std::nullopt, true};
  }

  absl::StatusOr<uint64_t> VersionGivenBy(Lsn lsn, size_t i) override {
    ++calls;
    if (!error.ok()) return error;
    const auto found = given.find({lsn, i});
    return found == given.end() ? 0 : found->second;
  }
};

// The history of changes that need none: every call fails.
class NoHistory final : public History {
 public:
  absl::StatusOr<std::optional<EntryRef>> At(size_t, uint64_t) override { return Asked(); }
  absl::StatusOr<Search> Find(size_t, const IdTag&, uint64_t, uint64_t) override { return Asked(); }
  absl::StatusOr<uint64_t> VersionGivenBy(Lsn, size_t) override { return Asked(); }

 private:
  static absl::Status Asked() { return absl::InternalError("the history was asked"); }
};

// A head at `version` with a balance, without extras; its entries stand at LSN 100 x version.
inline Head HeadAt(uint64_t version, Amount balance = 0) {
  Head head;
  head.version = version;
  head.balance = balance;
  for (uint64_t v = 1; v <= version; ++v) head.chain.Push(v, 100 * v);
  if (version > 0) head.last = {MakeIdTag("somebody", 0), {1, 1}, 100 * version, version};
  return head;
}

inline Head WithPolicy(Head head, Policy policy) {
  auto extras = std::make_shared<HeadExtras>(head.Extras());
  extras->policy = std::move(policy);
  head.extras = extras;
  return head;
}

inline std::vector<const Head*> PointersTo(const std::vector<Head>& heads) {
  std::vector<const Head*> pointers;
  for (const Head& head : heads) pointers.push_back(&head);
  return pointers;
}

}  // namespace semel::internal

#endif  // SEMEL_TESTS_RULES_FAKE_HISTORY_H_
