// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A checkpoint that begins while a frame fails: the frame may be in the journal, and its effects are in no head.

#include <functional>
#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"

namespace semel::testing {
namespace {

// Calls `meanwhile` where a checkpoint looks at the state, just before it takes the heads.
class WatchedStore final : public internal::StateStore {
 public:
  WatchedStore(SimDisk* disk, const std::function<void()>* meanwhile) : below_(disk), meanwhile_(meanwhile) {}
  absl::StatusOr<std::unique_ptr<internal::StateSnapshot>> Snapshot() override {
    (*meanwhile_)();
    return below_.Snapshot();
  }
  absl::Status Commit(const internal::RecordFeed& records, const internal::CheckpointInfo& info) override {
    return below_.Commit(records, info);
  }
  absl::StatusOr<internal::StateStats> GetStats() override { return below_.GetStats(); }
  absl::StatusOr<internal::CheckpointInfo> Verify() override { return below_.Verify(); }

 private:
  SimStateStore below_;
  const std::function<void()>* const meanwhile_;
};

TEST(PoisonedCheckpoint, OfALedgerThatFailsMeanwhile_WritesNoStateAheadOfItsHeads) {
  for (uint64_t call = 1; call <= 3; ++call) {  // of a frame: its write, its sync, DURABLE's write
    SimDisk disk;
    std::function<void()> meanwhile = [] {};
    Options options;
    options.create_if_missing = true;
    options.segment_bytes = 16 << 10;
    internal::World world = MakeSimWorld(&disk);
    world.open_state = [&](const internal::StateIdentity&) -> absl::StatusOr<std::unique_ptr<internal::StateStore>> {
      return std::make_unique<WatchedStore>(&disk, &meanwhile);
    };
    auto opened = internal::OpenForWriting("/ledger", options, std::move(world));
    ASSERT_TRUE(opened.ok()) << opened.status();
    std::unique_ptr<Ledger> ledger = *std::move(opened);
    ASSERT_TRUE(ledger->Apply(AddAt("first", "acc", 0, 1))->applied());
    ASSERT_TRUE(ledger->Apply(AddAt("second", "other", 0, 1))->applied());

    bool failed_meanwhile = false;
    meanwhile = [&] {
      if (std::exchange(failed_meanwhile, true)) return;
      disk.files.InjectFault(disk.files.calls() + call, Fault::kIoError);
      EXPECT_FALSE(ledger->Apply(AddAt("third", "acc", 1, 1)).ok());
    };
    const absl::Status checkpointed = ledger->Checkpoint();
    EXPECT_FALSE(checkpointed.ok()) << "call " << call;
    ledger.reset();

    disk.files.ClearFaults();
    auto again = OpenSim(&disk);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ((*again)->Verify()->fault, "") << "call " << call;
    const auto outcome = (*again)->Apply(AddAt("third", "acc", 1, 1));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ((*again)->Get("acc")->balance, 2);
  }
}

}  // namespace
}  // namespace semel::testing
