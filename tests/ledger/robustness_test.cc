// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// One test for each defect that was found by trying to break a ledger.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"

namespace semel::testing {
namespace {

class Robustness : public LedgerTest {
 protected:
  // Whether another process could lock the ledger now; a description of its own conflicts as another process would.
  bool IsUnlocked() const {
    const int fd = open((path() + "/LOCK").c_str(), O_RDWR);
    const bool unlocked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return unlocked;
  }

  // Runs `body` in a child, which must end within a minute.
  template <typename Body>
  static int InChild(const Body& body) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      body();
      _exit(0);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }
};

// The id was written as it was, and read back as damage: nothing of the source, nor the ledger, opened any more.
TEST_F(Robustness, RefusalOfAnIdThatIsTooLongIsRecordedReadably) {
  for (const size_t size : {size_t{65}, size_t{5} << 20}) {
    const std::string source = "source-" + std::to_string(size);
    const Change poison = AddFrom(std::string(size, 'x'), source, 1, "k", 1);
    const Outcome first = Do(poison);
    EXPECT_EQ(ToString(first.code), "INVALID");
    Crash();
    const Outcome again = Do(poison);
    EXPECT_EQ(ToString(again.code), "INVALID");
    EXPECT_EQ(again.lsn, first.lsn);
    EXPECT_EQ(Say(AddFrom("good-" + source, source, 2, "k", 1)), "APPLIED");
  }
}

// The values and policies in turn led back to the beginning by a recursion of that depth.
TEST_F(Robustness, PastOfAnEntityWhoseValueAndPolicyChangeInTurn) {
  constexpr uint64_t kChanges = 100'000;
  std::vector<Change> changes;
  for (uint64_t i = 0; i < kChanges; ++i) {
    const std::string id = "c" + std::to_string(i);
    Policy policy;
    policy.max_balance = Amount(i);
    changes.push_back(i % 2 == 0 ? PutAt(id, "k", i, id) : PolicyAt(id, "k", i, policy));
  }
  ASSERT_TRUE(ledger_->ApplyBatch(changes).ok());
  for (const uint64_t version : {kChanges, kChanges - 1}) {
    const auto entity = ledger_->Get("k", AsOf::Version(version));
    ASSERT_TRUE(entity.ok()) << entity.status();
    EXPECT_EQ(entity->version, version);
    EXPECT_EQ(entity->value, "c" + std::to_string(kChanges - 2));
    EXPECT_EQ(entity->policy.max_balance, Amount(version == kChanges ? version - 1 : version - 2));
  }
}

// The child's copy released the parent's lock: a second process could write at the same time.
TEST_F(Robustness, HandleThatAForkedChildDestroysLeavesTheParentItsLock) {
  ASSERT_EQ(Say(AddAt("a", "k", 0, 1)), "APPLIED");
  EXPECT_EQ(InChild([this] { ledger_.reset(); }), 0);
  EXPECT_FALSE(IsUnlocked());
  EXPECT_EQ(Say(AddAt("b", "k", 1, 1)), "APPLIED");
}

// The child has none of the parent's threads, and must not wait for them.
TEST_F(Robustness, HandleWithThreadsCanBeDestroyedInAForkedChild) {
  std::atomic<bool> answered{false};
  ledger_->ApplyAsync(AddAt("a", "k", 0, 1), [&](const absl::StatusOr<Outcome>&) { answered = true; });
  while (!answered) std::this_thread::yield();
  EXPECT_EQ(InChild([this] { ledger_.reset(); }), 0);
  EXPECT_EQ(Version("k"), 1);
}

TEST_F(Robustness, VisitorOfAReadOnlyLedgerMayReadIt) {
  ASSERT_EQ(Say(AddAt("a", "k", 0, 7)), "APPLIED");
  auto reader = Ledger::OpenReadOnly(path());
  ASSERT_TRUE(absl::IsUnavailable(reader.status())) << "one process opens the state once";
  Reopen();
  ledger_.reset();
  reader = Ledger::OpenReadOnly(path());
  ASSERT_TRUE(reader.ok()) << reader.status();
  Amount seen = 0;
  absl::Status closed;
  const auto scanned = (*reader)->Scan({}, [&](const Entity& entity) {
    seen = (*reader)->Get(entity.key)->balance;
    closed = (*reader)->Close();
    return true;
  });
  EXPECT_TRUE(scanned.ok()) << scanned.status();
  EXPECT_EQ(seen, 7);
  EXPECT_TRUE(absl::IsFailedPrecondition(closed));
  EXPECT_EQ((*reader)->Get("k")->balance, 7);
}

// Those who are answered when the ledger goes away met a lock that was never released.
TEST_F(Robustness, CallbackMayCallALedgerThatIsBeingDestroyed) {
  Ledger* const ledger = ledger_.release();
  std::atomic<bool> begun{false};
  std::atomic<bool> closed{false};
  int answers = 0;  // first by the ledger's thread, then by this one
  ledger->ApplyAsync(AddAt("a", "k", 0, 1), [&](const absl::StatusOr<Outcome>&) {
    begun = true;
    while (!closed) {  // until the destructor has begun
      ledger->ApplyAsync(AddAt("b", "k", 0, 1), [&](const absl::StatusOr<Outcome>& late) {
        closed = absl::IsFailedPrecondition(late.status());
      });
    }
    ++answers;
  });
  while (!begun) std::this_thread::yield();
  ledger->ApplyAsync(AddAt("c", "k", 0, 1), [&](const absl::StatusOr<Outcome>& outcome) {
    EXPECT_TRUE(absl::IsFailedPrecondition(outcome.status()));
    static_cast<void>(ledger->Get("k"));
    ++answers;
  });
  delete ledger;
  EXPECT_EQ(answers, 2);
  Open();
}

// The lock was kept, so that "close it and open it again" did not work.
TEST(PoisonedLedger, ClosedReleasesItsFiles) {
  SimDisk disk;
  auto ledger = OpenSim(&disk);
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  disk.files.InjectFault(disk.files.calls() + 1, Fault::kIoError);
  const absl::Status first = (*ledger)->Apply(AddAt("a", "k", 0, 1)).status();
  ASSERT_FALSE(first.ok());
  EXPECT_TRUE(absl::IsUnavailable(OpenSim(&disk).status()));
  EXPECT_EQ((*ledger)->Close(), first);
  EXPECT_TRUE(absl::IsFailedPrecondition((*ledger)->Close()));
  auto reopened = OpenSim(&disk);
  ASSERT_TRUE(reopened.ok()) << reopened.status();
  EXPECT_TRUE((*reopened)->Apply(AddAt("a", "k", 0, 1))->settled());
}

// A creation that died at its last step left a mark that the ledger kept: a MANIFEST lost years later, and the journal
// would have been thrown away.
TEST_F(Robustness, LedgerWhoseCreationDiedAtItsLastStepIsNeverCreatedAnew) {
  ASSERT_EQ(Say(AddAt("a", "k", 0, 1)), "APPLIED");
  ledger_.reset();
  std::ofstream(path() + "/CREATING").flush();
  Open();
  ledger_.reset();
  std::filesystem::rename(path() + "/MANIFEST", path() + "/aside");
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path(), options_).status()));
  std::filesystem::rename(path() + "/aside", path() + "/MANIFEST");
  Open();
  EXPECT_EQ(Version("k"), 1);
}

// With std::shared_mutex alone neither got its turn.
TEST(Crowd, OfReadersStopsNeitherTheWriterNorClose) {
  auto ledger = *Ledger::OpenInMemory();
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 16; ++i) {
    readers.emplace_back([&] {
      while (!stop) static_cast<void>(ledger->Get("k"));
    });
  }
  for (uint64_t version = 0; version < 2000; ++version) {
    ASSERT_TRUE(ledger->Apply(AddAt("a" + std::to_string(version), "k", version, 1))->applied());
  }
  EXPECT_TRUE(ledger->Close().ok());
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace semel::testing
