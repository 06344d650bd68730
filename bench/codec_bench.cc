// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What do the forms of a change cost to read and write: JSON, Protobuf, the journal's entry, the state's record? The
// change is a transfer of three updates; the record is a plain account's.

#include <string>

#include "bench/setup.h"
#include "benchmark/benchmark.h"
#include "engine/base/checksum.h"
#include "engine/journal/entry.h"
#include "engine/rules/effect.h"
#include "engine/rules/identity.h"
#include "engine/rules/rules.h"
#include "engine/state/record.h"

namespace semel::bench {
namespace {

using internal::Entry;
using internal::Head;

constexpr uint64_t kSeed = 1;
constexpr internal::Lsn kLsn = 64;

Change Transfer() {
  Change change(ChangeId(1));
  change.balanced = true;
  change.AddUpdate("transfer/T-1").ExpectVersion(0).Put("{\"note\":\"rent\"}");
  change.AddUpdate(AccountKey(1)).Add(-120000);
  change.AddUpdate(AccountKey(2)).Add(120000);
  return change;
}

// The entry of `change`, applied to heads that never existed. Points into `change`.
Entry EntryOf(const Change& change) {
  Entry entry;
  entry.lsn = kLsn;
  entry.outcome = OutcomeCode::kApplied;
  entry.id = change.id;
  entry.fingerprint = FingerprintOf(change);
  entry.balanced = change.balanced;
  for (const Update& update : change.updates) entry.effects.push_back(internal::EffectOf(update, Head()));
  return entry;
}

void CountBytes(benchmark::State& state, size_t bytes) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
  state.counters["bytes"] = static_cast<double>(bytes);
}

void ReadJson(benchmark::State& state) {
  const std::string json = ToJson(Transfer());
  for (auto _ : state) SEMEL_CHECK(ParseChangeJson(json).ok());
  CountBytes(state, json.size());
}
BENCHMARK(ReadJson);

void WriteJson(benchmark::State& state) {
  const Change change = Transfer();
  for (auto _ : state) benchmark::DoNotOptimize(ToJson(change));
  CountBytes(state, ToJson(change).size());
}
BENCHMARK(WriteJson);

void ReadProto(benchmark::State& state) {
  const std::string bytes = ToProto(Transfer());
  for (auto _ : state) SEMEL_CHECK(ParseChangeProto(bytes).ok());
  CountBytes(state, bytes.size());
}
BENCHMARK(ReadProto);

void WriteProto(benchmark::State& state) {
  const Change change = Transfer();
  for (auto _ : state) benchmark::DoNotOptimize(ToProto(change));
  CountBytes(state, ToProto(change).size());
}
BENCHMARK(WriteProto);

void Fingerprint(benchmark::State& state) {
  const Change change = Transfer();
  for (auto _ : state) benchmark::DoNotOptimize(FingerprintOf(change));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(Fingerprint);

void WriteEntry(benchmark::State& state) {
  const Change change = Transfer();
  const Entry entry = EntryOf(change);
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    internal::EncodeEntry(entry, kSeed, &bytes);
    benchmark::DoNotOptimize(bytes.data());
  }
  CountBytes(state, bytes.size());
}
BENCHMARK(WriteEntry);

void ReadEntry(benchmark::State& state) {
  const Change change = Transfer();
  std::string bytes;
  internal::EncodeEntry(EntryOf(change), kSeed, &bytes);
  for (auto _ : state) {
    Entry entry;
    SEMEL_CHECK(internal::DecodeEntry(bytes, kLsn, kSeed, &entry).ok());
  }
  CountBytes(state, bytes.size());
}
BENCHMARK(ReadEntry);

Head Account() {
  Head head;
  internal::EntryRef ref;
  ref.id = internal::MakeIdTag(ChangeId(1), kSeed);
  ref.fingerprint = {internal::MixSeed(1, 1), internal::MixSeed(1, 2)};
  ref.lsn = kLsn;
  ref.sequence = 1;
  internal::Effect effect = internal::NextEffect(internal::Table::kEntities, "account", head);
  effect.action = Action::kAdd;
  effect.amount = effect.balance = 120000;
  SEMEL_CHECK(internal::ApplyEffect(effect, ref, &head).ok());
  return head;
}

void WriteRecord(benchmark::State& state) {
  const Head head = Account();
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    internal::EncodeHead(head, &bytes);
    benchmark::DoNotOptimize(bytes.data());
  }
  CountBytes(state, bytes.size());
}
BENCHMARK(WriteRecord);

void ReadRecord(benchmark::State& state) {
  std::string bytes;
  internal::EncodeHead(Account(), &bytes);
  for (auto _ : state) {
    Head head;
    SEMEL_CHECK(internal::DecodeHead(bytes, &head).ok());
  }
  CountBytes(state, bytes.size());
}
BENCHMARK(ReadRecord);

}  // namespace
}  // namespace semel::bench

BENCHMARK_MAIN();
