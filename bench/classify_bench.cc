// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What does deciding cost, without any I/O? Identity (id tag and fingerprint), classification and rules, and the
// effect, for the commonest changes and answers.

#include <string>
#include <vector>

#include "bench/setup.h"
#include "benchmark/benchmark.h"
#include "engine/rules/classify.h"
#include "engine/rules/effect.h"
#include "engine/rules/rules.h"

namespace semel::bench {
namespace {

using internal::Decision;
using internal::EntryRef;
using internal::Head;
using internal::Identity;

constexpr uint64_t kSeed = 1;

// The past of an account whose last hundred changes were by others.
class StrangersPast final : public internal::History {
 public:
  absl::StatusOr<std::optional<EntryRef>> At(size_t, uint64_t version) override {
    EntryRef ref;
    ref.id = internal::MakeIdTag("another", kSeed);
    ref.lsn = version * 100;
    return ref;
  }
  absl::StatusOr<Search> Find(size_t, const internal::IdTag&, uint64_t, uint64_t) override { return Search{{}, true}; }
  absl::StatusOr<uint64_t> VersionGivenBy(internal::Lsn, size_t) override { return 0; }
};

// An account with `version` changes of 1 each, the last of them with the id "last".
Head AccountAt(uint64_t version) {
  Head head;
  for (uint64_t v = 1; v <= version; ++v) {
    EntryRef ref;
    ref.id = internal::MakeIdTag("last", kSeed);
    ref.lsn = v * 100;
    internal::Effect effect = internal::NextEffect(internal::Table::kEntities, "account", head);
    effect.action = Action::kAdd;
    effect.amount = 1;
    effect.balance = head.balance + 1;
    SEMEL_CHECK(internal::ApplyEffect(effect, ref, &head).ok());
  }
  return head;
}

// Decides `change` on accounts at version 100 (and a key that does not exist, if it is the first of three).
void Decide(benchmark::State& state, const Change& change, OutcomeCode want) {
  const Head account = AccountAt(100);
  const Head nothing;
  std::vector<const Head*> heads(change.updates.size(), &account);
  if (heads.size() == 3) heads[0] = &nothing;
  StrangersPast past;
  for (auto _ : state) {
    const Identity identity = internal::IdentityOf(change, kSeed);
    const absl::StatusOr<Decision> decision = internal::Classify(change, identity, heads, {}, past);
    SEMEL_CHECK(decision.ok() && decision->code == want);
    for (size_t i = 0; want == OutcomeCode::kApplied && i < heads.size(); ++i) {
      benchmark::DoNotOptimize(internal::EffectOf(change.updates[i], *heads[i]));
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

void AppliedByVersion(benchmark::State& state) {
  Change change(ChangeId(1));
  change.AddUpdate(AccountKey(1)).ExpectVersion(100).Add(5);
  Decide(state, change, OutcomeCode::kApplied);
}
BENCHMARK(AppliedByVersion);

void AppliedByPriorBalance(benchmark::State& state) {
  Change change(ChangeId(1));
  change.AddUpdate(AccountKey(1)).ExpectBalance(100).Add(5);
  Decide(state, change, OutcomeCode::kApplied);
}
BENCHMARK(AppliedByPriorBalance);

void AppliedTransfer(benchmark::State& state) {
  Change change(ChangeId(1));
  change.balanced = true;
  change.AddUpdate("transfer/T-1").ExpectVersion(0).Put("{}");
  change.AddUpdate(AccountKey(1)).Add(-5);
  change.AddUpdate(AccountKey(2)).Add(5);
  Decide(state, change, OutcomeCode::kApplied);
}
BENCHMARK(AppliedTransfer);

void Conflict(benchmark::State& state) {
  Change change(ChangeId(1));
  change.AddUpdate(AccountKey(1)).ExpectVersion(50).Add(5);
  Decide(state, change, OutcomeCode::kConflict);
}
BENCHMARK(Conflict);

void Early(benchmark::State& state) {
  Change change(ChangeId(1));
  change.AddUpdate(AccountKey(1)).ExpectVersion(101).Add(5);
  Decide(state, change, OutcomeCode::kEarly);
}
BENCHMARK(Early);

void IdReusedAtTheHead(benchmark::State& state) {
  Change change("last");
  change.AddUpdate(AccountKey(1)).ExpectVersion(100).Add(5);
  Decide(state, change, OutcomeCode::kIdReused);
}
BENCHMARK(IdReusedAtTheHead);

}  // namespace
}  // namespace semel::bench

BENCHMARK_MAIN();
