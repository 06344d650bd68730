// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Power losses and kills of the whole engine on simulated files: at every call to them, of a life in which everything
// is done that can be done to a ledger, and of the lives after it, up to four deep, beginning with the calls of their
// recovery; some lives end with an error of the disk instead.
//
// Each image opens, verifies, and shows exactly what an undisturbed ledger shows after some of what was done to it: all
// that was acknowledged, of what was in doubt as much as the ledger says. What was acknowledged last is answered the
// same when it comes again. Of some images all is done again from the beginning and on to the end, which must be that
// of the undisturbed ledger; some are restored from their backup, first.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/ledger/restore.h"
#include "tests/ledger/sim_world.h"
#include "tests/power_loss/scenario.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

constexpr size_t kDeeds = 80;
constexpr int kLivesMax = 4;

Options SmallOptions() {
  Options options;
  options.parking = true;
  options.segment_bytes = 4096;
  options.max_frame_bytes = 4096;
  options.max_dirty_bytes = 8192;  // checkpoints all along
  options.journal_cache_bytes = 16 << 10;
  return options;
}

// What a ledger owes to those who use it, in deeds of the scenario.
struct Debt {
  size_t acknowledged = 0;      // so many were
  size_t attempted = 0;         // so many may have been done
  std::vector<size_t> backups;  // after how many of them the backup may have been made
  bool backup_acknowledged = false;
};

struct Counts {
  uint64_t images = 0;
  uint64_t during_recovery = 0;
  uint64_t after_faults = 0;
  uint64_t played_to_the_end = 0;
  uint64_t restored = 0;
};

// One opened ledger, and its asynchronous callers.
struct Opened {
  std::unique_ptr<Ledger> ledger;
  InlineBackground* async = nullptr;  // owned by the ledger
  std::string backup_directory;
};

// Another timeline has its backups elsewhere.
absl::StatusOr<Opened> OpenAt(SimDisk* disk, const std::string& directory, const std::string& backup_directory) {
  internal::World world = MakeSimWorld(disk);
  auto async = std::make_unique<InlineBackground>(InlineBackground::Mode::kWhenAsked);
  Opened opened;
  opened.backup_directory = backup_directory;
  opened.async = async.get();
  world.async_background = std::move(async);
  Options options = SmallOptions();
  options.create_if_missing = true;
  SEMEL_ASSIGN_OR_RETURN(opened.ledger, internal::OpenForWriting(directory, options, std::move(world)));
  return opened;
}

// All images of one scenario.
class Images {
 public:
  explicit Images(uint64_t seed) : random_(seed), scenario_(MakeScenario(random_.Next(), kDeeds, SmallOptions())) {}

  // The first life, and what becomes of it at each call.
  void Draw() {
    SimDisk disk;
    Live(&disk, Debt(), 1);
  }

  const Counts& counts() const { return counts_; }

 private:
  size_t end() const { return scenario_.deeds.size(); }

  void Live(SimDisk* disk, Debt debt, int life) {
    const bool is_last = life == kLivesMax;
    bool faulty = false;
    bool recovering = true;
    if (!is_last && (life == 1 || random_.OneIn(16))) {
      disk->files.WatchCalls([&](const SimFileSystem& struck) {
        if (recovering && life > 1) ++counts_.during_recovery;
        for (int draws = life == 1 ? 4 : 1; draws > 0; --draws) Die(*disk, struck, debt, life);
      });
    }
    if (!is_last && random_.OneIn(16)) {
      faulty = true;
      disk->files.InjectFault(disk->files.calls() + random_.Between(1, life == 1 ? 300 : 30),
                              random_.OneIn(2) ? Fault::kIoError : Fault::kNoSpace, random_.OneIn(2));
    }
    Run(disk, &debt, life, faulty, &recovering);
    if (!faulty || ::testing::Test::HasFailure()) return;
    ++counts_.after_faults;
    Die(*disk, disk->files, debt, life);
  }

  // The power goes, or the process is killed; another life begins.
  void Die(const SimDisk& disk, const SimFileSystem& struck, const Debt& debt, int life) {
    if (::testing::Test::HasFailure()) return;
    SimDisk image(disk, struck);
    const uint64_t seed = random_.Next();
    if (random_.OneIn(4)) {
      image.files.Kill(seed);
    } else {
      image.files.Crash(seed);
    }
    ++counts_.images;
    SCOPED_TRACE(absl::StrCat("life ", life + 1, ", after ", debt.acknowledged, " to ", debt.attempted, " deeds"));
    Live(&image, debt, life + 1);
  }

  // Opens, and does some of what is left to do, until a fault strikes.
  void Run(SimDisk* disk, Debt* debt, int life, bool faulty, bool* recovering) {
    auto opened = OpenAt(disk, "/ledger", "/backup");
    ASSERT_TRUE(opened.ok() || faulty) << "does not open: " << opened.status();
    if (!opened.ok()) return;
    Settle(opened->ledger.get(), faulty, debt, recovering);
    if (*recovering) return;
    if (life == 1) {
      GoOn(*opened, debt, end(), faulty);
    } else if (random_.OneIn(32)) {
      PlayAll(*opened, debt, faulty);
    } else if (random_.OneIn(8)) {
      GoOn(*opened, debt, debt->acknowledged + 6, faulty);
    } else {
      Redeliver(opened->ledger.get(), debt->acknowledged - std::min<size_t>(debt->acknowledged, 2), debt->acknowledged,
                faulty);
    }
    if (life > 1 && !faulty && random_.OneIn(64)) CheckBackup(disk, *debt, life);
  }

  // The ledger verifies, and shows what it owes; what it shows of the deeds in doubt it owes from now on, too. Then it
  // has recovered, unless a fault was in the way.
  void Settle(Ledger* ledger, bool faulty, Debt* debt, bool* recovering) {
    const auto report = ledger->Verify();
    ASSERT_TRUE(report.ok() || faulty) << report.status();
    if (!report.ok()) return;
    ASSERT_EQ(report->fault, "");
    std::string shown = *Show(ledger, scenario_.keys);
    std::vector<size_t> alike = WhereShown(shown, *debt);
    if (alike.empty() && debt->attempted > debt->acknowledged &&
        scenario_.deeds[debt->acknowledged].kind == Deed::Kind::kRetire) {
      // It was cut between the prefix and what lies below it; called again it goes on.
      const absl::Status retired = DoDeed(ledger, scenario_.deeds[debt->acknowledged], "").status();
      ASSERT_TRUE(retired.ok() || faulty) << retired;
      if (!retired.ok()) return;
      shown = *Show(ledger, scenario_.keys);
      alike = WhereShown(shown, *debt);
    }
    ASSERT_FALSE(alike.empty()) << "shows\n" << shown << "\nowes\n" << scenario_.shown[debt->acknowledged];
    debt->acknowledged = debt->attempted = alike[random_.Below(alike.size())];
    *recovering = false;
  }

  // After how many of the deeds, of those that may have been done, an undisturbed ledger shows this.
  std::vector<size_t> WhereShown(const std::string& shown, const Debt& debt) const {
    std::vector<size_t> deeds;
    for (size_t i = debt.acknowledged; i <= debt.attempted; ++i) {
      if (scenario_.shown[i] == shown) deeds.push_back(i);
    }
    return deeds;
  }

  // Does what is left to do, up to deed number `limit` at least.
  void GoOn(const Opened& opened, Debt* debt, size_t limit, bool faulty) {
    while (debt->acknowledged < std::min(limit, end()) && !::testing::Test::HasFailure()) {
      const absl::Status status = DoNext(opened, debt);
      ASSERT_TRUE(status.ok() || faulty) << status;
      if (!status.ok()) return;
    }
  }

  absl::Status DoNext(const Opened& opened, Debt* debt) {
    const Deed& deed = scenario_.deeds[debt->acknowledged];
    const size_t first = debt->acknowledged;
    debt->attempted = first + deed.together;
    if (deed.kind == Deed::Kind::kBackup) debt->backups.push_back(first);
    if (deed.together > 1) {
      SEMEL_RETURN_IF_ERROR(DoTogether(opened, first, deed.together, deed.async));
    } else {
      SEMEL_ASSIGN_OR_RETURN(const std::string answer, DoDeed(opened.ledger.get(), deed, opened.backup_directory));
      ExpectSame(answer, deed.answer, first);
    }
    debt->acknowledged = debt->attempted;
    if (deed.kind == Deed::Kind::kBackup) {
      debt->backups = {first};
      debt->backup_acknowledged = true;
    }
    return absl::OkStatus();
  }

  absl::Status DoTogether(const Opened& opened, size_t first, size_t count, bool async) {
    std::vector<Change> changes;
    for (size_t i = first; i < first + count; ++i) changes.push_back(scenario_.deeds[i].change);
    std::vector<Outcome> outcomes;
    absl::Status status;
    if (async) {
      for (Change& change : changes) {
        opened.ledger->ApplyAsync(std::move(change), [&](absl::StatusOr<Outcome> outcome) {
          status.Update(outcome.status());
          if (outcome.ok()) outcomes.push_back(*std::move(outcome));
        });
      }
      opened.async->RunAll();
      SEMEL_RETURN_IF_ERROR(status);
    } else {
      SEMEL_ASSIGN_OR_RETURN(outcomes, opened.ledger->ApplyBatch(changes));
    }
    for (size_t i = 0; i < count; ++i) {
      ExpectSame(AnswerText(outcomes[i]), scenario_.deeds[first + i].answer, first + i);
    }
    return absl::OkStatus();
  }

  static void ExpectSame(const std::string& answer, const std::string& undisturbed, size_t deed) {
    EXPECT_TRUE(IsSameAnswer(answer, undisturbed)) << "deed " << deed << ": " << answer << ", not " << undisturbed;
  }

  // Sends the changes among the deeds [from, to) once more.
  void Redeliver(Ledger* ledger, size_t from, size_t to, bool faulty) {
    for (size_t i = from; i < to; ++i) {
      const Deed& deed = scenario_.deeds[i];
      if (deed.kind != Deed::Kind::kChange) continue;
      const auto again = ledger->Apply(deed.change);
      ASSERT_TRUE(again.ok() || faulty) << again.status();
      if (!again.ok()) return;
      ASSERT_TRUE(MayFollow(deed.answer, *again))
          << "deed " << i << ": " << deed.answer << ", then " << AnswerText(*again) << ": " << again->reason;
    }
  }

  // Everything once more, and on to the end.
  void PlayAll(const Opened& opened, Debt* debt, bool faulty) {
    Ledger* const ledger = opened.ledger.get();
    Redeliver(ledger, 0, debt->acknowledged, faulty);
    if (::testing::Test::HasFatalFailure()) return;
    GoOn(opened, debt, end(), faulty);
    if (debt->acknowledged < end() || ::testing::Test::HasFailure()) return;
    ASSERT_EQ(*Show(ledger, scenario_.keys), scenario_.shown.back());
    ASSERT_EQ(ledger->Verify()->fault, "");
    ++counts_.played_to_the_end;
  }

  // What the last backup gives is whole, and goes on as the ledger does.
  void CheckBackup(SimDisk* disk, const Debt& debt, int life) {
    if (::testing::Test::HasFailure()) return;
    const std::string directory = absl::StrCat("/restored-", life);
    const auto restored = internal::RestoreBackup(MakeSimWorld(disk), "/backup", directory, 0, {});
    if (absl::IsNotFound(restored.status()) && !debt.backup_acknowledged) return;
    ASSERT_TRUE(restored.ok()) << restored.status() << " at " << directory;
    const auto opened = OpenAt(disk, directory, directory + "-backup");
    ASSERT_TRUE(opened.ok()) << opened.status();
    const auto shown = Show(opened->ledger.get(), scenario_.keys);
    ASSERT_TRUE(shown.ok()) << shown.status();
    const auto made_after = std::find_if(debt.backups.begin(), debt.backups.end(),
                                         [&](size_t deeds) { return scenario_.shown[deeds] == *shown; });
    ASSERT_NE(made_after, debt.backups.end()) << *shown;
    Debt again;
    again.acknowledged = again.attempted = *made_after;
    PlayAll(*opened, &again, /*faulty=*/false);
    ++counts_.restored;
  }

  Random random_;
  const Scenario scenario_;
  Counts counts_;
};

class PowerLoss : public ::testing::TestWithParam<int> {};

TEST_P(PowerLoss, AtEveryCallOfEveryLife_EndsAsAnUndisturbedLedgerDoes) {
  uint64_t seed = 0;
  Counts sum;
  for (Rounds rounds(8); rounds.Next(&seed);) {
    Images drawn(internal::MixSeed(seed, static_cast<uint64_t>(GetParam())));
    drawn.Draw();
    sum.images += drawn.counts().images;
    sum.during_recovery += drawn.counts().during_recovery;
    sum.after_faults += drawn.counts().after_faults;
    sum.played_to_the_end += drawn.counts().played_to_the_end;
    sum.restored += drawn.counts().restored;
  }
  Figure("T1", "power-loss images", sum.images);
  Figure("T1", "images of a recovery cut short", sum.during_recovery);
  Figure("T1", "lives ended by an error of the disk", sum.after_faults);
  Figure("T1", "images played to the end", sum.played_to_the_end);
  Figure("T1", "backups of images restored", sum.restored);
}

INSTANTIATE_TEST_SUITE_P(Part, PowerLoss, ::testing::Range(0, 4));

}  // namespace
}  // namespace semel::testing
