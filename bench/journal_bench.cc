// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What does the journal by itself allow? Frames of 1, 100, 1000 and 8000 entries: built in memory; and built, written
// and synced into zero-filled segments of 64 MiB.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "bench/setup.h"
#include "benchmark/benchmark.h"
#include "engine/base/environment.h"
#include "engine/io/file_system.h"
#include "engine/journal/frame.h"
#include "engine/journal/writer.h"

namespace semel::bench {
namespace {

using internal::FrameBuilder;
using internal::FrameHeader;
using internal::JournalTip;

// What the entry of one compare-and-set holds. Made entries point into this object.
struct Applied {
  internal::Entry Make() const {
    internal::Entry entry;
    entry.outcome = OutcomeCode::kApplied;
    entry.id = id;
    entry.fingerprint = {1, 2};
    internal::Effect& effect = entry.effects.emplace_back();
    effect.key = key;
    effect.version = 1;
    effect.action = Action::kAdd;
    effect.amount = 1;
    effect.balance = 1;
    return entry;
  }
  std::string id = ChangeId(1);
  std::string key = AccountKey(1);
};

std::string_view BuildFrame(const JournalTip& tip, int64_t count, FrameBuilder* builder, FrameHeader* header) {
  const Applied applied;
  builder->Begin(tip, 1);
  for (int64_t i = 0; i < count; ++i) {
    internal::Entry entry = applied.Make();
    builder->Add(&entry);
  }
  return builder->Finish(header);
}

void Build(benchmark::State& state) {
  FrameBuilder builder(1);
  FrameHeader header;
  JournalTip tip;
  for (auto _ : state) {
    benchmark::DoNotOptimize(BuildFrame(tip, state.range(0), &builder, &header));
    tip = TipAfter(header);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(Build)->Name("build")->ArgName("entries")->Arg(1)->Arg(100)->Arg(1000)->Arg(8000);

void Append(benchmark::State& state) {
  const Scratch scratch;
  internal::JournalIdentity identity;
  identity.directory = scratch.path() + "/journal";
  identity.uuid = "0123456789abcdef";
  SEMEL_CHECK(std::filesystem::create_directory(identity.directory));
  internal::FileSystem* const files = internal::PosixFileSystem();
  MustBeOk(CreateJournal(files, identity, {}));
  const auto reader = Must(internal::JournalReader::Open(files, identity, 1 << 20));
  const std::unique_ptr<internal::Background> background = internal::NewBackgroundThread();
  internal::RecoveryReport report;
  const auto nothing = [](const FrameHeader&, std::string_view) { return absl::OkStatus(); };
  const auto writer = Must(internal::JournalWriter::Open(files, identity, {}, reader.get(), background.get(),
                                                         JournalTip(), nothing, &report));
  FrameBuilder builder(identity.seed);
  for (auto _ : state) {
    FrameHeader header;
    const std::string_view frame = BuildFrame(writer->tip(), state.range(0), &builder, &header);
    MustBeOk(writer->Reserve(frame.size()));
    MustBeOk(writer->Append(header, frame));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(Append)
    ->Name("append_and_sync")
    ->ArgName("entries")
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(8000)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace semel::bench

BENCHMARK_MAIN();
