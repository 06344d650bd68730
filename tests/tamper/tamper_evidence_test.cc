// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Tamper evidence: whoever can write the ledger's files can make any history that is right in itself, checksums and
// hashes included. It must not be the history of a head that was noted before.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/directory.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSeed = 7;

// ---- Forging each entry, frames and hashes and all

struct EncodedFrame {
  internal::FrameHeader header;
  std::vector<std::string> entries;  // encoded
};

// The history hash after a frame with these entries, as a forger would compute it.
internal::Sha256Hash HashOf(EncodedFrame frame, const internal::Sha256Hash& before) {
  std::string payload(internal::BytesOf(before));
  for (const std::string& entry : frame.entries) payload += entry;
  frame.header.entry_count = static_cast<uint32_t>(frame.entries.size());
  EXPECT_TRUE(internal::SplitPayload(payload, &frame.header).ok());
  return frame.header.history_after;
}

std::vector<EncodedFrame> MakeFrames(int entries) {
  Random random(kSeed);
  std::vector<EncodedFrame> frames;
  internal::FrameBuilder builder(kSeed, /*tamper_evident=*/true);
  internal::JournalTip tip;
  for (int made = 0; made < entries;) {
    EncodedFrame frame;
    builder.Begin(tip, /*now_us=*/made);
    for (uint64_t i = 1 + random.Below(7); i > 0 && made < entries; --i, ++made) {
      const std::string id = "change-" + std::to_string(made);
      const std::string key = "account/" + std::to_string(random.Below(50));
      internal::Entry entry;
      entry.outcome = OutcomeCode::kApplied;
      entry.id = id;
      internal::Effect& effect = entry.effects.emplace_back();
      effect.key = key;
      effect.version = 1;
      effect.action = Action::kAdd;
      effect.amount = effect.balance = static_cast<int64_t>(random.Below(1000));
      builder.Add(&entry);
      frame.entries.emplace_back(builder.BytesAt(entry.lsn));
    }
    builder.Finish(&frame.header);
    tip = TipAfter(frame.header);
    frames.push_back(std::move(frame));
  }
  return frames;
}

enum class Forgery { kChange, kDelete, kSwap, kInsert, kTruncate };
constexpr Forgery kForgeries[] = {Forgery::kChange, Forgery::kDelete, Forgery::kSwap, Forgery::kInsert,
                                  Forgery::kTruncate};

// Entry `index` of the frame is changed, removed, exchanged with the next, or has another before it; or it and all
// behind it in its frame are cut off. False if that is no change: the next is in another frame.
bool Forge(Forgery forgery, size_t index, EncodedFrame* frame) {
  std::vector<std::string>& entries = frame->entries;
  const auto at = entries.begin() + static_cast<std::ptrdiff_t>(index);
  switch (forgery) {
    case Forgery::kChange:
      at->back() = static_cast<char>(at->back() ^ 1);
      return true;
    case Forgery::kDelete:
      entries.erase(at);
      return true;
    case Forgery::kSwap:
      if (index + 1 == entries.size()) return false;
      std::swap(entries[index], entries[index + 1]);
      return true;
    case Forgery::kInsert:
      entries.insert(at, *at);
      return true;
    case Forgery::kTruncate:
      entries.erase(at, entries.end());
      return true;
  }
  return false;
}

TEST(TamperEvidence, EachForgedEntryOfTenThousandGivesAnotherHead) {
  constexpr int kEntries = 10'000;
  constexpr size_t kFramesToHead = 25;  // a head is noted every so many frames
  const std::vector<EncodedFrame> frames = MakeFrames(kEntries);
  uint64_t forged = 0;
  for (size_t f = 0; f < frames.size(); ++f) {
    const size_t head = std::min(frames.size(), (f / kFramesToHead + 1) * kFramesToHead) - 1;
    for (size_t e = 0; e < frames[f].entries.size(); ++e) {
      for (const Forgery forgery : kForgeries) {
        EncodedFrame frame = frames[f];
        if (!Forge(forgery, e, &frame)) continue;
        internal::Sha256Hash hash = HashOf(std::move(frame), frames[f].header.history_before);
        for (size_t next = f + 1; next <= head; ++next) hash = HashOf(frames[next], hash);
        ASSERT_NE(hash, frames[head].header.history_after) << "entry " << e << " of frame " << f;
        ++forged;
      }
    }
  }
  // And left alone, each frame leads to the next.
  internal::Sha256Hash hash = {};
  for (const EncodedFrame& frame : frames) hash = HashOf(frame, hash);
  EXPECT_EQ(hash, frames.back().header.history_after);
  Figure("T6", "forged entries", forged);
}

// The times, the frames' borders and the order of frames are part of the history.
TEST(TamperEvidence, FramesCannotBeMergedSwappedOrRedated) {
  const std::vector<EncodedFrame> frames = MakeFrames(40);
  const internal::Sha256Hash after_two = frames[1].header.history_after;
  EXPECT_EQ(HashOf(frames[1], HashOf(frames[0], {})), after_two);
  EXPECT_NE(HashOf(frames[0], HashOf(frames[1], {})), after_two);
  EncodedFrame merged = frames[0];
  merged.entries.insert(merged.entries.end(), frames[1].entries.begin(), frames[1].entries.end());
  EXPECT_NE(HashOf(merged, {}), after_two);
  EncodedFrame redated = frames[1];
  ++redated.header.commit_time_us;
  EXPECT_NE(HashOf(redated, HashOf(frames[0], {})), after_two);
}

TEST(TamperEvidence, AFrameThatCarriesAnotherHistoryDoesNotContinue) {
  const std::vector<EncodedFrame> frames = MakeFrames(20);
  internal::JournalTip tip = TipAfter(frames[0].header);
  EXPECT_TRUE(Continues(frames[1].header, tip));
  tip.history[5] = static_cast<char>(tip.history[5] ^ 1);
  EXPECT_FALSE(Continues(frames[1].header, tip));
}

// ---- Whole ledgers that are right in themselves

Change Paid(int number, std::string_view account, Amount amount) {
  Change change("change-" + std::to_string(number));
  change.AddUpdate(account).Add(amount);
  return change;
}

std::vector<Change> MakeChanges(int count) {
  Random random(kSeed);
  std::vector<Change> changes;
  for (int i = 0; i < count; ++i) {
    const std::string account = "account/" + std::to_string(random.Below(40));
    changes.push_back(Paid(i, account, static_cast<int64_t>(1 + random.Below(100))));
  }
  return changes;
}

// The ledger that comes of applying changes from one source, ten at a time.
std::unique_ptr<Ledger> LedgerOf(SimDisk* disk, const std::vector<Change>& changes) {
  Options options;
  options.tamper_evident = true;
  auto ledger = OpenSim(disk, options);
  EXPECT_TRUE(ledger.ok()) << ledger.status();
  std::vector<Change> batch;
  for (size_t i = 0; i < changes.size(); ++i) {
    batch.push_back(At(changes[i], "payments", i + 1));
    if (batch.size() < 10 && i + 1 < changes.size()) continue;
    const auto outcomes = (*ledger)->ApplyBatch(batch);
    EXPECT_TRUE(outcomes.ok()) << outcomes.status();
    for (const Outcome& outcome : *outcomes) EXPECT_TRUE(outcome.applied()) << outcome.reason;
    batch.clear();
  }
  return *std::move(ledger);
}

void ForgeList(Forgery forgery, size_t at, std::vector<Change>* changes) {
  const auto place = changes->begin() + static_cast<std::ptrdiff_t>(at);
  switch (forgery) {
    case Forgery::kChange:
      place->updates[0].amount += 1;
      break;
    case Forgery::kDelete:
      changes->erase(place);
      break;
    case Forgery::kSwap:
      std::swap(*place, *(place + 1));
      break;
    case Forgery::kInsert:
      changes->insert(place, Paid(-1, "account/0", 1));
      break;
    case Forgery::kTruncate:
      changes->erase(place, changes->end());
      break;
  }
}

TEST(TamperEvidence, ALedgerMadeAnewWithOneChangeOtherwiseIsNotTheOneOfTheHead) {
  constexpr int kChanges = 400;
  const std::vector<Change> changes = MakeChanges(kChanges);
  SimDisk honest_disk;
  const std::unique_ptr<Ledger> honest = LedgerOf(&honest_disk, changes);
  const auto head = honest->GetHead();
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(honest->Verify({}, *head)->fault, "");

  Random random(kSeed);
  uint64_t forged = 0;
  for (const Forgery forgery : kForgeries) {
    for (int draw = 0; draw < (kSanitized ? 2 : 20); ++draw, ++forged) {
      std::vector<Change> other = changes;
      const size_t at = random.Below(kChanges - 1);
      ForgeList(forgery, at, &other);
      SimDisk disk;
      const std::unique_ptr<Ledger> ledger = LedgerOf(&disk, other);
      EXPECT_EQ(ledger->Verify()->fault, "") << "the forged ledger is right in itself";
      EXPECT_NE(ledger->Verify({}, *head)->fault, "") << "change " << at;
    }
  }
  Figure("T6", "forged ledgers", forged);
}

TEST(TamperEvidence, TheHeadHoldsThroughCrashesAtEveryCall) {
  const std::vector<Change> changes = MakeChanges(60);
  for (uint64_t call = 1;; ++call) {
    SimDisk disk;
    disk.files.InjectFault(call, Fault::kCrash);
    JournalHead noted;
    {
      Options options;
      options.tamper_evident = true;
      auto ledger = OpenSim(&disk, options);
      for (size_t i = 0; ledger.ok() && i < changes.size(); ++i) {
        if (!(*ledger)->Apply(At(changes[i], "payments", i + 1)).ok()) break;
        noted = *(*ledger)->GetHead();
        if (i % 16 == 15 && !(*ledger)->Checkpoint().ok()) break;
      }
    }
    const bool crashed = disk.files.crashed();
    disk.files.ClearFaults();
    disk.files.Crash(call);
    Options options;
    options.tamper_evident = true;
    auto ledger = OpenSim(&disk, options);
    ASSERT_TRUE(ledger.ok()) << "call " << call << ": " << ledger.status();
    for (size_t i = 0; i < changes.size(); ++i) ASSERT_TRUE((*ledger)->Apply(At(changes[i], "payments", i + 1)).ok());
    if (!noted.ledger.empty()) {
      ASSERT_EQ((*ledger)->Verify({}, noted)->fault, "") << "call " << call;
    }
    ASSERT_EQ((*ledger)->Verify({}, *(*ledger)->GetHead())->fault, "") << "call " << call;
    if (!crashed) break;
  }
}

// ---- Real files

class TamperEvidentLedger : public LedgerTest {
 protected:
  void SetUp() override {
    options_.tamper_evident = true;
    options_.segment_bytes = 4096;
    options_.create_if_missing = true;
    Open();
    Pay(200);
  }

  void Pay(int count) {
    for (int i = 0; i < count; ++i, ++paid_) Do(AddFrom("paid-" + std::to_string(paid_), "payments", paid_, "acc", 1));
  }
  JournalHead Head() { return ledger_->GetHead().value(); }
  std::string Fault(const JournalHead& head) {
    const auto report = ledger_->Verify({}, head);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? report->fault : report.status().ToString();
  }
  void Copy(const std::string& from, const std::string& to) {
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  }

  uint64_t paid_ = 1;
};

TEST_F(TamperEvidentLedger, AHeadHoldsWhateverIsAppliedAfterIt) {
  const JournalHead head = Head();
  EXPECT_EQ(head.sequence, 200u);
  Pay(50);
  EXPECT_EQ(Fault(head), "");
  Reopen();
  EXPECT_EQ(Fault(head), "");
  Crash();
  Pay(1);
  EXPECT_EQ(Fault(head), "");
  EXPECT_EQ(Fault(Head()), "");

  const JournalHead last = Head();
  ledger_.reset();
  const auto reader = Ledger::OpenReadOnly(path());
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->GetHead()->history, last.history);
  EXPECT_EQ((*reader)->Verify({}, head)->fault, "");
}

TEST_F(TamperEvidentLedger, AnOlderCopyInItsPlaceIsFound) {
  ASSERT_TRUE(ledger_->Close().ok());
  Copy(path(), directory_.path() + "/old");
  Open();
  Pay(5);
  const JournalHead head = Head();
  ledger_.reset();
  std::filesystem::remove_all(path());
  Copy(directory_.path() + "/old", path());
  Open();
  ExpectVerified();
  EXPECT_THAT(Fault(head), HasSubstr("an older copy"));
  Pay(0);
  paid_ -= 5;
  for (int i = 0; i < 5; ++i, ++paid_) Do(AddFrom("other-" + std::to_string(i), "payments", paid_, "acc", 1));
  EXPECT_NE(Fault(head), "");
}

TEST_F(TamperEvidentLedger, ARestoredLedgerHasTheHistoryOfItsBackup) {
  const JournalHead before = Head();
  ASSERT_TRUE(ledger_->Backup(directory_.path() + "/backup").ok());
  const JournalHead at = Head();
  Pay(3);
  const JournalHead after = Head();
  ledger_.reset();
  std::filesystem::remove_all(path());
  ASSERT_TRUE(RestoreLedger(directory_.path() + "/backup", path()).ok());
  Open();
  EXPECT_EQ(Fault(before), "");
  EXPECT_EQ(Fault(at), "");
  EXPECT_THAT(Fault(after), HasSubstr("made of a backup"));
  Pay(1);
  EXPECT_EQ(Head().epoch, 2u);
  EXPECT_EQ(Fault(Head()), "");
}

TEST_F(TamperEvidentLedger, ATrimmedHistoryIsComparedFromItsFloorOn) {
  const JournalHead before = Head();
  Pay(200);
  TrimOptions everything;
  everything.keep_bytes = 8192;
  ASSERT_TRUE(ledger_->Trim(everything).ok());
  Pay(10);
  EXPECT_EQ(ledger_->Verify({}, before).status().code(), absl::StatusCode::kOutOfRange);
  const auto report = ledger_->Verify({}, Head());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->fault, "");
  EXPECT_TRUE(report->base_vouched);

  // A trimmed ledger can be backed up and restored, and keeps what the journal vouches for.
  const JournalHead head = Head();
  ASSERT_TRUE(ledger_->Backup(directory_.path() + "/backup").ok());
  ledger_.reset();
  std::filesystem::remove_all(path());
  ASSERT_TRUE(RestoreLedger(directory_.path() + "/backup", path()).ok());
  Open();
  const auto restored = ledger_->Verify({}, head);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->fault, "");
  EXPECT_TRUE(restored->base_vouched);
}

// Whoever rewrites a base snapshot and the state alike, with right checksums, is found by the hash in the journal.
TEST_F(TamperEvidentLedger, AForgedBaseSnapshotIsFound) {
  Do(AddFrom("rich", "payments", paid_++, "victim", 1000));
  Pay(200);
  TrimOptions everything;
  everything.keep_bytes = 4096;
  ASSERT_TRUE(ledger_->Trim(everything).ok());
  const auto stats = ledger_->GetStats();
  ASSERT_TRUE(ledger_->Close().ok());
  ledger_.reset();

  internal::World world = internal::RealWorld(Options().state_map_bytes, /*read_only=*/false);
  const internal::Manifest manifest = internal::ReadManifest(world.files, path()).value();
  const internal::StateIdentity identity = internal::StateIdentityOf(path(), manifest);
  const auto rob = [](internal::StateStore* store) {
    auto snapshot = store->Snapshot().value();
    const internal::CheckpointInfo info = snapshot->info();
    internal::Head head;
    ASSERT_TRUE(snapshot->Get(internal::Table::kEntities, "victim", &head).value());
    snapshot.reset();
    head.balance = 1;
    bool given = false;
    ASSERT_TRUE(store
                    ->Commit(
                        [&](internal::Table* table, std::string_view* key, const internal::Head** robbed) {
                          *table = internal::Table::kEntities;
                          *key = "victim";
                          *robbed = &head;
                          return !std::exchange(given, true);
                        },
                        info)
                    .ok());
  };
  {
    const auto base = internal::BaseReader::Open(world.files, identity, stats->base_lsn);
    ASSERT_TRUE(base.ok()) << base.status();
    const auto store = internal::NewMemoryStateStore(identity.seed);
    ASSERT_TRUE(internal::LoadBase(base->get(), store.get()).ok());
    rob(store.get());
    ASSERT_TRUE(internal::WriteBase(world.files, identity, store->Snapshot()->get(), nullptr).ok());
    const auto state = internal::OpenState(world, path(), manifest);
    ASSERT_TRUE(state.ok()) << state.status();
    rob(state->get());
  }
  Open();
  EXPECT_EQ(Balance("victim"), 1);
  EXPECT_THAT(ledger_->Verify()->fault, HasSubstr("the base snapshot does not hold what the journal says of it"));
  ledger_.reset();
}

// Taking the hashes off, in the MANIFEST, does not help.
TEST_F(TamperEvidentLedger, AManifestThatDeniesItIsFound) {
  const JournalHead head = Head();
  ledger_.reset();
  internal::World world = internal::RealWorld(Options().state_map_bytes, /*read_only=*/false);
  internal::Manifest manifest = internal::ReadManifest(world.files, path()).value();
  manifest.tamper_evident = false;
  ASSERT_TRUE(internal::WriteFileAtomically(world.files, path(), "MANIFEST", internal::FormatManifest(manifest)).ok());
  EXPECT_EQ(Ledger::Open(path(), options_).status().code(), absl::StatusCode::kFailedPrecondition);
  options_.tamper_evident.reset();
  EXPECT_EQ(Ledger::Open(path(), options_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(TamperEvidentLedger, IsChosenAtCreation) {
  Options without;
  without.tamper_evident = false;
  ledger_.reset();
  EXPECT_EQ(Ledger::Open(path(), without).status().code(), absl::StatusCode::kFailedPrecondition);
  options_.tamper_evident.reset();
  Open();
  EXPECT_EQ(ledger_->GetOptions()->tamper_evident, true);

  Options plain;
  plain.create_if_missing = true;
  plain.segment_bytes = 4096;
  const auto ledger = Ledger::Open(directory_.path() + "/plain", plain);
  ASSERT_TRUE(ledger.ok());
  EXPECT_EQ((*ledger)->GetOptions()->tamper_evident, false);
  EXPECT_EQ((*ledger)->GetHead().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*ledger)->Verify({}, Head()).status().code(), absl::StatusCode::kInvalidArgument) << "of another ledger";
}

TEST(JournalHead, TextAndBack) {
  JournalHead head;
  head.ledger = std::string(32, 'a');
  head.epoch = 2;
  head.lsn = 12345;
  head.sequence = 67;
  head.history = std::string(64, '0');
  const std::string text = FormatHead(head);
  EXPECT_EQ(text, "semel-head:1:" + head.ledger + ":2:12345:67:" + head.history);
  const auto parsed = ParseHead(text + "\n");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(FormatHead(*parsed), text);
  for (size_t cut = 0; cut < text.size(); ++cut) EXPECT_FALSE(ParseHead(text.substr(0, cut)).ok());
  for (const char* bad : {"", "head", "semel-head:2:", "a:b:c:d:e:f:g"}) EXPECT_FALSE(ParseHead(bad).ok()) << bad;
  EXPECT_FALSE(ParseHead(text + ":").ok());
  EXPECT_FALSE(ParseHead("semel-head:1:" + std::string(32, 'g') + ":2:1:1:" + head.history).ok());
}

}  // namespace
}  // namespace semel::testing
