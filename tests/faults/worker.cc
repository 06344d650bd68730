// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/faults/worker.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "tests/sim/child.h"

namespace semel::testing {
namespace {

constexpr int kAttempts = 3;
constexpr unsigned kChildSeconds = 60;  // a child that hangs is ended
constexpr int kWaitsMax = 5000;         // of a millisecond each

enum ExitCode { kFinished = 0, kEndedByError = 10, kReported = 11 };

// ---- Acknowledgements

OutcomeCode AcknowledgedBefore(size_t change) {
  const uint8_t code = SharedWithChildren()->acknowledged[change];
  return code == 0 ? OutcomeCode::kUnspecified : OutcomeCode{static_cast<uint8_t>(code - 1)};
}

void Acknowledge(const Script& script, size_t change, const Outcome& outcome) {
  const std::string fault =
      JudgeAnswer(script, change, AcknowledgedBefore(change), outcome.code, SharedWithChildren()->struck);
  if (!fault.empty()) Report(absl::StrCat(fault, ": ", outcome.reason));
  Shared* const shared = SharedWithChildren();
  const auto answer = static_cast<uint8_t>(1 + static_cast<int>(outcome.code));
  if (shared->acknowledged[change] != answer) shared->acknowledged_at[change] = shared->device_requests.load();
  shared->acknowledged[change] = answer;
  RecordAcknowledgement(change);
}

// Only what the ledger does for a call is under the faults; what the test does with the answer is not. A failed
// allocation inside of the ledger ends the process there; one that arrives here was the caller's, for an argument, and
// ends it too, before anything is unwound.
template <typename Function>
auto Call(const Function& function) {
  const SpareAllocations not_spared(false);
  try {
    return function();
  } catch (const std::bad_alloc&) {
    std::fputs("out of memory for an argument\n", stderr);
    std::abort();
  }
}

// ---- A life

class Life {
 public:
  Life(const Script& script, const FaultPlan& plan) : script_(script), plan_(plan) {}

  // The first error that ended it.
  absl::Status Run() {
    SEMEL_RETURN_IF_ERROR(Open());
    for (const Step& step : script_.steps) SEMEL_RETURN_IF_ERROR(Insist([&] { return Play(step); }));
    return Close();
  }

  // After the end. Once a ledger is poisoned, every call answers what the first one did. `first`: the error that ended
  // the life.
  void ExpectPoisonHolds(const absl::Status& first) {
    if (ledger_ == nullptr) return;
    const absl::Status poison = ExpectPoisonedByLiveFile();
    if (poison.ok()) return;
    // One fault makes one error; of many, that of a call that was refused may have come before. Some calls add to it
    // what they did.
    const bool one_fault =
        !plan_.for_ever && !plan_.disk_is_small && !plan_.own_disk && plan_.space_bytes == UINT64_MAX;
    const bool is_first = first.code() == poison.code() && absl::StartsWith(first.message(), poison.message());
    if (one_fault && !is_first) {
      Report(absl::StrCat("the first error was ", first.ToString(), ", now ", poison.ToString()));
    }
    const Change& change = script_.changes[0];
    Expect(poison, Call([&] { return ledger_->Apply(change).status(); }), "Apply");
    Expect(poison, Call([&] { return ledger_->ApplyBatch(script_.changes).status(); }), "ApplyBatch");
    Expect(poison, Call([&] { return ledger_->Get("bank/0").status(); }), "Get");
    Expect(poison, Call([&] { return ledger_->Checkpoint(); }), "Checkpoint");
    Expect(poison, Call([&] { return ledger_->Trim({.keep_bytes = 0}).status(); }), "Trim");
    Expect(poison, Call([&] { return ledger_->DiscardDeadLetter(1); }), "DiscardDeadLetter");
    Expect(poison, Close(), "Close");
  }

 private:
  static void Expect(const absl::Status& poison, const absl::Status& answer, const char* call) {
    if (answer == poison) return;
    Report(absl::StrCat(call, " answers ", answer.ToString(), " on a ledger that is poisoned by ", poison.ToString()));
  }

  // An error of a write or a sync of the journal's last segment or of the state is for good, in a moment: another call
  // may hear of it before the ledger does. Returns what the ledger answers.
  absl::Status ExpectPoisonedByLiveFile() {
    const Shared& observed = *SharedWithChildren();
    const absl::string_view path = observed.struck_path;
    const absl::string_view call = observed.struck_call;
    const bool failed = plan_.strike == Strike::kIoError || plan_.strike == Strike::kNoSpace;
    const bool is_live = path == "/ledger/state/data.mdb" ||
                         (absl::StartsWith(path, "/ledger/journal/") && absl::EndsWith(path, ".log"));
    const bool poisons = observed.struck_open && failed && is_live && (call == "write" || call == "sync");
    absl::Status health = Health();
    for (int waits = 0; poisons && health.ok() && waits < kWaitsMax; ++waits) {
      (void)usleep(1000);
      health = Health();
    }
    if (poisons && health.ok()) Report(absl::StrCat("a failed ", call, " of ", path, " did not poison the ledger"));
    return health;
  }

  absl::Status Health() {
    return Call([&] { return ledger_->GetOptions().status(); });
  }

  // An error that leaves the ledger healthy refused one call: it may be made again.
  template <typename Function>
  absl::Status Insist(const Function& function) {
    absl::Status status = function();
    for (int attempt = 1; !status.ok() && attempt < kAttempts; ++attempt) {
      if (ledger_ != nullptr && !Health().ok()) return status;
      if (ledger_ == nullptr) SEMEL_RETURN_IF_ERROR(OpenOnce());
      status = function();
    }
    return status;
  }

  absl::Status Open() {
    absl::Status status = OpenOnce();
    for (int attempt = 1; !status.ok() && attempt < kAttempts; ++attempt) status = OpenOnce();
    return status;
  }

  absl::Status OpenOnce() {
    const std::string path = plan_.root + "/ledger";
    auto opened = Call([&] { return Ledger::Open(path, script_.options); });
    SEMEL_RETURN_IF_ERROR(opened.status());
    ledger_ = *std::move(opened);
    SharedWithChildren()->is_open = true;
    return absl::OkStatus();
  }

  absl::Status Close() {
    SharedWithChildren()->is_open = false;
    const absl::Status closed = Call([&] { return ledger_->Close(); });
    ledger_.reset();
    return closed;
  }

  absl::Status Play(const Step& step) {
    switch (step.act) {
      case Act::kApply:
        return ApplyEach(step.begin, step.end, 1);
      case Act::kBatch:
        return ApplyBatch(step);
      case Act::kAsync:
        return ApplyAsync(step);
      case Act::kThreads:
        return ApplyFromThreads(step);
      case Act::kCheckpoint:
        return Call([&] { return ledger_->Checkpoint(); });
      case Act::kTrim:
        return Trim();
      case Act::kBackup:
        return Call([&] { return ledger_->Backup(plan_.root + "/backup").status(); });
      case Act::kReopen:
        SEMEL_RETURN_IF_ERROR(Close());
        return Open();
      case Act::kRetryLetters:
        return Call([&] { return RetryLetters(ledger_.get()); });
    }
    return absl::InternalError("no such act");
  }

  // Changes begin, begin + stride, ...
  absl::Status ApplyEach(size_t begin, size_t end, size_t stride) {
    for (size_t i = begin; i < end; i += stride) {
      const auto outcome = Call([&] { return ledger_->Apply(script_.changes[i]); });
      SEMEL_RETURN_IF_ERROR(outcome.status());
      Acknowledge(script_, i, *outcome);
    }
    return absl::OkStatus();
  }

  absl::Status ApplyBatch(const Step& step) {
    const absl::Span<const Change> changes(&script_.changes[step.begin], step.end - step.begin);
    const auto outcomes = Call([&] { return ledger_->ApplyBatch(changes); });
    SEMEL_RETURN_IF_ERROR(outcomes.status());
    for (size_t i = 0; i < changes.size(); ++i) Acknowledge(script_, step.begin + i, (*outcomes)[i]);
    return absl::OkStatus();
  }

  absl::Status ApplyAsync(const Step& step) {
    std::vector<std::promise<absl::StatusOr<Outcome>>> answers(step.end - step.begin);
    for (size_t i = 0; i < answers.size(); ++i) {
      Call([&] {
        ledger_->ApplyAsync(script_.changes[step.begin + i], [&answers, i](absl::StatusOr<Outcome> outcome) {
          const SpareAllocations spared;
          answers[i].set_value(std::move(outcome));
        });
      });
    }
    absl::Status first;
    for (size_t i = 0; i < answers.size(); ++i) {
      const absl::StatusOr<Outcome> outcome = answers[i].get_future().get();
      // Behind one that failed, what follows it is early or parked, and comes again.
      const bool waits =
          outcome.ok() && (outcome->code == OutcomeCode::kEarly || outcome->code == OutcomeCode::kParked);
      const bool comes_again = waits && !first.ok();
      if (outcome.ok() && !comes_again) Acknowledge(script_, step.begin + i, *outcome);
      first.Update(outcome.status());
    }
    return first;
  }

  absl::Status ApplyFromThreads(const Step& step) {
    absl::Status ended[kScriptThreads];
    const SpareAllocations spared_here;  // a thread that cannot begin is this test's fault
    std::vector<std::thread> threads;
    for (int t = 0; t < kScriptThreads; ++t) {
      threads.emplace_back([&, t] {
        const SpareAllocations spared;
        ended[t] = ApplyEach(step.begin + static_cast<size_t>(t), step.end, kScriptThreads);
      });
    }
    for (std::thread& thread : threads) thread.join();
    absl::Status first;
    for (const absl::Status& status : ended) first.Update(status);
    return first;
  }

  absl::Status Trim() {
    TrimOptions options;
    options.before_lsn = UINT64_MAX;
    options.seal = true;
    const absl::Status trimmed = Call([&] { return ledger_->Trim(options).status(); });
    return absl::IsUnavailable(trimmed) ? absl::OkStatus() : trimmed;  // retention is at it
  }

  const Script& script_;
  const FaultPlan& plan_;
  std::unique_ptr<Ledger> ledger_;
};

std::string FirstDifference(const std::vector<std::string>& is, const std::vector<std::string>& should_be) {
  for (size_t i = 0; i < std::max(is.size(), should_be.size()); ++i) {
    const std::string a = i < is.size() ? is[i] : "nothing";
    const std::string b = i < should_be.size() ? should_be[i] : "nothing";
    if (a != b) return absl::StrCat("is ", a, "; should be ", b);
  }
  return "";
}

void ExpectWhole(Ledger* ledger) {
  const auto sum = SumOfBank(ledger);
  if (!sum.ok()) Report(absl::StrCat("summing up: ", sum.status().ToString()));
  if (*sum != 0) Report("a transfer was applied in part: the sum of the bank is not 0");
  const auto verified = ledger->Verify();
  if (!verified.ok()) Report(absl::StrCat("verify: ", verified.status().ToString()));
  if (!verified->ok()) Report(absl::StrCat("verify: ", verified->fault));
}

}  // namespace

void Report(const std::string& fault) {
  const SpareAllocations spared;
  std::snprintf(SharedWithChildren()->report, sizeof Shared::report, "%s", fault.c_str());
  EndChild(kReported);
}

// What it does not catch ends the process by the usual handler, and not in the test of which this is a copy.
[[noreturn]] void RunChild(const std::function<bool()>& work, int said) noexcept {
  dup2(said, STDERR_FILENO);
  alarm(kChildSeconds);
  const SpareAllocations spared;
  EndChild(work() ? kFinished : kEndedByError);
}

std::string ReadAll(int fd) {
  std::string text(4096, '\0');
  const ssize_t read = pread(fd, text.data(), text.size(), 0);
  text.resize(read > 0 ? static_cast<size_t>(read) : 0);
  return text;
}

Ended InChild(const std::function<bool()>& work) {
  Shared* const shared = SharedWithChildren();
  shared->report[0] = '\0';
  const int said = memfd_create("said", MFD_CLOEXEC);
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) RunChild(work, said);
  int status = 0;
  Ended ended;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    ended.fault = "no child process";
  } else if (WIFSIGNALED(status)) {
    ended.by_kill = WTERMSIG(status) == SIGKILL;
    // What the ledger says.
    const std::string last_words = ReadAll(said);
    ended.out_of_memory = WTERMSIG(status) == SIGABRT && absl::StrContains(last_words, "out of memory");
    if (!ended.by_kill && !ended.out_of_memory) {
      ended.fault = absl::StrCat("died of ", strsignal(WTERMSIG(status)), ": ", last_words);
    }
  } else if (WEXITSTATUS(status) == kFinished) {
    ended.finished = true;
  } else if (WEXITSTATUS(status) == kReported) {
    ended.fault = shared->report;
  } else if (WEXITSTATUS(status) != kEndedByError) {
    ended.fault = absl::StrCat("exited with ", WEXITSTATUS(status));
  }
  close(said);
  return ended;
}

bool Live(const Script& script, const FaultPlan& plan) {
  Arm(plan);
  Life life(script, plan);
  const absl::Status ended = life.Run();
  if (!ended.ok() && !SharedWithChildren()->struck) Report(absl::StrCat("without a fault: ", ended.ToString()));
  if (!ended.ok()) life.ExpectPoisonHolds(ended);
  return ended.ok();
}

void ExpectRecovers(const Script& script, const std::string& root) {
  auto opened = Ledger::Open(root + "/ledger", script.options);
  if (!opened.ok()) Report(absl::StrCat("cannot be opened: ", opened.status().ToString()));
  const std::unique_ptr<Ledger> ledger = *std::move(opened);
  ExpectWhole(ledger.get());
  const auto outcomes = ledger->ApplyBatch(script.changes);
  if (!outcomes.ok()) Report(absl::StrCat("redelivery: ", outcomes.status().ToString()));
  for (size_t i = 0; i < outcomes->size(); ++i) {
    const std::string fault =
        JudgeAnswer(script, i, AcknowledgedBefore(i), (*outcomes)[i].code, SharedWithChildren()->struck);
    if (!fault.empty()) Report(absl::StrCat("redelivered, ", fault, ": ", (*outcomes)[i].reason));
  }
  if (const auto retried = RetryLetters(ledger.get()); !retried.ok()) Report(retried.ToString());
  const auto state = ShowState(ledger.get());
  if (!state.ok()) Report(absl::StrCat("reading: ", state.status().ToString()));
  const std::string difference = FirstDifference(*state, script.end_state);
  if (!difference.empty()) Report(absl::StrCat("the end state differs: ", difference));
}

}  // namespace semel::testing
