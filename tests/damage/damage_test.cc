// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Whatever happens to the files of a ledger is refused at open, found by verify, or does not matter: never wrong data,
// never the end of the process. Each damaged ledger is looked at in a child.

#include <sys/mman.h>

#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "gtest/gtest.h"
#include "tests/damage/damage.h"
#include "tests/damage/subject.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/show_ledger.h"
#include "tests/sim/child.h"
#include "tests/sim/figures.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

constexpr int kBatch = 20;  // damages that one child looks at

enum Found { kRefused, kByVerify, kTornTail, kHarmless, kSilent, kFoundCount };

struct Counts {
  uint64_t looked_at = 0;
  uint64_t found[kFoundCount] = {};
};

// In memory that children share with their parent.
class SharedCounts {
 public:
  SharedCounts() {
    void* const shared = mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    SEMEL_CHECK(shared != MAP_FAILED);
    counts_ = new (shared) Counts;
  }
  ~SharedCounts() { munmap(counts_, sizeof(Counts)); }
  SharedCounts(const SharedCounts&) = delete;
  SharedCounts& operator=(const SharedCounts&) = delete;
  Counts* get() const { return counts_; }
  Counts* operator->() const { return counts_; }

 private:
  Counts* counts_;
};

// What nobody was told of, or was told wrongly.
Found Silent(const std::string& why) {
  std::printf("SILENT: %s\n", why.c_str());
  std::fflush(stdout);
  return kSilent;
}

std::string FirstDifference(const std::vector<std::string>& got, const std::vector<std::string>& wanted) {
  for (size_t i = 0; i < got.size() || i < wanted.size(); ++i) {
    const std::string shown = i < got.size() ? got[i] : "nothing";
    const std::string right = i < wanted.size() ? wanted[i] : "nothing";
    if (shown != right) return "shows " + shown + "\n instead of " + right;
  }
  return "no difference";
}

bool IsRefusal(const absl::Status& status) { return absl::IsDataLoss(status) || absl::IsFailedPrecondition(status); }

// A ledger that verify finds fault with is not to be relied on, but calling it must not hurt the process.
Found UseAfterVerify(const Subject& subject, Ledger* ledger) {
  (void)ShowAll(ledger);
  (void)Redeliver(ledger, subject.input);
  (void)ledger->Close();
  return kByVerify;
}

// What verify finds right must be right: what is read, what is answered, and how it goes on.
Found CompareAll(const Subject& subject, Ledger* ledger, bool torn_tail) {
  const auto shown = ShowAll(ledger);
  if (!shown.ok()) return Silent("reading: " + shown.status().ToString());
  const bool whole = *shown == subject.shown;
  if (!whole && !(torn_tail && *shown == subject.shown_without_last_frame)) {
    return Silent(FirstDifference(*shown, subject.shown));
  }
  const auto answers = Redeliver(ledger, subject.input);
  if (!answers.ok()) return Silent("redelivery: " + answers.status().ToString());
  if (whole && *answers != subject.answers) return Silent(FirstDifference(*answers, subject.answers));
  const auto after = ShowAll(ledger);
  if (whole && (!after.ok() || *after != *shown)) return Silent("redelivery changes something");
  const auto entities = ShowEntities(ledger);
  if (!entities.ok()) return Silent("reading: " + entities.status().ToString());
  if (*entities != subject.entities) return Silent(FirstDifference(*entities, subject.entities));
  const auto outcome = ledger->Apply(AddAt("one more", "one more", 0, 1));
  if (!outcome.ok() || !outcome->applied()) return Silent("it does not go on");
  const auto report = ledger->Verify();
  if (!report.ok() || !report->ok()) return Silent("going on does harm");
  return torn_tail ? kTornTail : kHarmless;
}

Found Look(const Subject& subject, const std::string& directory) {
  std::string log;
  Options options = SubjectOptions();
  options.log = [&log](std::string_view line) { log += line; };
  const auto opened = Ledger::Open(directory, options);
  if (!opened.ok()) return IsRefusal(opened.status()) ? kRefused : Silent("open: " + opened.status().ToString());
  const auto report = (*opened)->Verify();
  if (!report.ok()) {
    return absl::IsDataLoss(report.status()) ? kByVerify : Silent("verify: " + report.status().ToString());
  }
  if (!report->ok()) return UseAfterVerify(subject, opened->get());
  return CompareAll(subject, opened->get(), log.find("torn tail") != std::string::npos);
}

// A process that only reads finds out less, but is shown nothing wrong that verify would not tell.
Found LookOnly(const Subject& subject, const Damage& damage, const std::string& directory) {
  const auto opened = Ledger::OpenReadOnly(directory, {.state_map_bytes = SubjectOptions().state_map_bytes});
  if (!opened.ok()) return IsRefusal(opened.status()) ? kRefused : Silent("open: " + opened.status().ToString());
  const auto shown = ShowAll(opened->get());
  const auto report = (*opened)->Verify();
  if (!report.ok()) {
    return absl::IsDataLoss(report.status()) ? kByVerify : Silent("verify: " + report.status().ToString());
  }
  if (!report->ok()) return kByVerify;
  if (!shown.ok()) return Silent("reading: " + shown.status().ToString());
  // Without DURABLE it shows what the last checkpoint knew.
  const auto durable = damage.files.find("DURABLE");
  if (durable == damage.files.end() || durable->second != subject.files.at("DURABLE")) return kHarmless;
  const auto& published = subject.shown_without_last_frame.value_or(subject.shown);
  return *shown == published ? kHarmless : Silent(FirstDifference(*shown, published));
}

// Returns an exit status: 0, or 1 after a silent damage. `counts` also tells where a child died.
int LookAtAll(const Subject& subject, const std::string& directory, const std::vector<Damage>& damages,
              Counts* counts) {
  for (const Damage& damage : damages) {
    WriteImage(damage.files, directory);
    const bool read_only_too = counts->looked_at % 4 == 0;
    if (read_only_too && LookOnly(subject, damage, directory) == kSilent) return 1;
    const Found found = Look(subject, directory);
    ++counts->found[found];
    if (found == kSilent) return 1;
    ++counts->looked_at;
  }
  return 0;
}

const char* Name(SubjectKind kind) {
  switch (kind) {
    case SubjectKind::kClosed:
      return "Closed";
    case SubjectKind::kKilled:
      return "Killed";
    case SubjectKind::kTrimmed:
      return "Trimmed";
    case SubjectKind::kTrimmedKilled:
      return "TrimmedKilled";
    case SubjectKind::kPowerLost:
      return "PowerLost";
  }
  return "";
}

class DamagedFiles : public ::testing::TestWithParam<std::tuple<SubjectKind, int>> {};

TEST_P(DamagedFiles, AreRefusedOrFoundOrDoNotMatter) {
  const auto [kind, part] = GetParam();
  const Subject subject = MakeSubject(kind);
  if (HasFailure()) return;
  const TempDirectory directory;
  SharedCounts counts;
  uint64_t seed = 0;
  Rounds rounds(50);
  while (rounds.Next(&seed)) {
    Random random(internal::MixSeed(seed, part));
    std::vector<Damage> damages;
    for (int i = 0; i < kBatch; ++i) damages.push_back(DrawDamage(subject, &random));
    const int status =
        RunInChild([&] { return LookAtAll(subject, directory.path() + "/ledger", damages, counts.get()); });
    EXPECT_EQ(status, 0) << "at damage " << counts->looked_at % kBatch << ": "
                         << damages[counts->looked_at % kBatch].what;
  }
  Figure("T6", "damages", counts->looked_at);
  Figure("T6", "refused at open", counts->found[kRefused]);
  Figure("T6", "found by verify", counts->found[kByVerify]);
  Figure("T6", "torn tails reported", counts->found[kTornTail]);
  Figure("T6", "harmless", counts->found[kHarmless]);
  Figure("T6", "silent damages", HasFailure() ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(All, DamagedFiles,
                         ::testing::Combine(::testing::Values(SubjectKind::kClosed, SubjectKind::kKilled,
                                                              SubjectKind::kTrimmed, SubjectKind::kTrimmedKilled,
                                                              SubjectKind::kPowerLost),
                                            ::testing::Range(0, 4)),
                         [](const auto& param) {
                           return std::string(Name(std::get<0>(param.param))) +
                                  std::to_string(std::get<1>(param.param));
                         });

}  // namespace
}  // namespace semel::testing
