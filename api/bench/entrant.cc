// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/bench/entrant.h"

#include <algorithm>
#include <chrono>
#include <latch>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/bench/scratch.h"
#include "engine/base/status_macros.h"

namespace semel::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLoadBatch = 8000;

// How many changes a caller has ready before the clock starts.
constexpr size_t kPreparedChanges = 4096;
constexpr size_t kPreparedCalls = 256;

absl::Status DecidedOtherwise(uint64_t applied, uint64_t must_apply) {
  return absl::InternalError(absl::StrCat(applied, " updates of a batch took effect instead of ", must_apply));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Entrant>> Entrant::Load(const ContenderKind& kind, const Place& place,
                                                       const Workload& workload, uint64_t callers) {
  std::unique_ptr<Entrant> entrant(new Entrant(place, workload));
  SEMEL_ASSIGN_OR_RETURN(entrant->contender_, kind.open(place));
  for (uint64_t i = 0; i < callers; ++i) {
    SEMEL_ASSIGN_OR_RETURN(auto session, entrant->contender_->NewSession());
    entrant->callers_.push_back({std::move(session), Producer(workload, i, callers), {}, 0, {}, {}});
    SEMEL_RETURN_IF_ERROR(entrant->CreateAccounts(&entrant->callers_.back()));
  }
  return entrant;
}

absl::Status Entrant::CreateAccounts(Caller* caller) {
  std::vector<Change> batch;
  while (const uint64_t must_apply = caller->producer.NextCreations(kLoadBatch, &batch)) {
    SEMEL_ASSIGN_OR_RETURN(const uint64_t applied, caller->session->Apply(batch));
    if (applied != must_apply) return DecidedOtherwise(applied, must_apply);
    applied_.versions += applied;
  }
  return absl::OkStatus();
}

void Entrant::Prepare(size_t batch, size_t calls) {
  for (Caller& caller : callers_) {
    if (caller.calls.size() < calls) caller.calls.resize(calls);
    caller.call_count = calls;
    for (size_t i = 0; i < calls; ++i) {
      caller.calls[i].must_apply = caller.producer.NextBatch(batch, &caller.calls[i].changes);
    }
  }
}

void Entrant::RunCalls(Caller* caller) {
  caller->latencies_us.clear();
  for (size_t i = 0; i < caller->call_count; ++i) {
    const Call& call = caller->calls[i];
    const Clock::time_point start = Clock::now();
    const absl::StatusOr<uint64_t> applied = caller->session->Apply(call.changes);
    const std::chrono::duration<float, std::micro> taken = Clock::now() - start;
    caller->latencies_us.push_back(taken.count());
    caller->status = applied.status();
    if (applied.ok() && *applied != call.must_apply) caller->status = DecidedOtherwise(*applied, call.must_apply);
    if (!caller->status.ok()) return;
  }
}

// Returns how long it took until the last caller was done.
double Entrant::RunAllCalls() {
  Clock::time_point start = Clock::now();
  if (callers_.size() == 1) {
    RunCalls(&callers_[0]);
  } else {
    std::latch ready(static_cast<std::ptrdiff_t>(callers_.size()) + 1);
    std::vector<std::thread> threads;
    for (Caller& caller : callers_) {
      threads.emplace_back([&] {
        ready.arrive_and_wait();
        RunCalls(&caller);
      });
    }
    ready.arrive_and_wait();
    start = Clock::now();
    for (std::thread& thread : threads) thread.join();
  }
  return std::chrono::duration<double>(Clock::now() - start).count();
}

absl::Status Entrant::Collect(Slice* slice) {
  for (const Caller& caller : callers_) {
    SEMEL_RETURN_IF_ERROR(caller.status);
    for (size_t i = 0; i < caller.call_count; ++i) {
      slice->changes += caller.calls[i].changes.size();
      applied_.versions += caller.calls[i].must_apply;
    }
    slice->latencies_us.insert(slice->latencies_us.end(), caller.latencies_us.begin(), caller.latencies_us.end());
  }
  return absl::OkStatus();
}

absl::StatusOr<Slice> Entrant::Run(size_t batch, uint64_t changes_max, double seconds_max) {
  Slice slice;
  do {
    const uint64_t left = std::max<uint64_t>(1, (changes_max - slice.changes) / (batch * callers_.size()));
    const size_t ready = std::clamp<size_t>(kPreparedChanges / batch, 1, kPreparedCalls);
    Prepare(batch, std::min<uint64_t>(ready, left));
    slice.seconds += RunAllCalls();
    SEMEL_RETURN_IF_ERROR(Collect(&slice));
  } while (slice.changes < changes_max && slice.seconds < seconds_max);
  return slice;
}

absl::Status Entrant::Verify() {
  applied_.balance = workload_.value_bytes > 0 ? 0 : static_cast<Amount>(applied_.versions);
  SEMEL_ASSIGN_OR_RETURN(const Totals found, contender_->Sum());
  if (found == applied_) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the accounts add up to ", AmountToString(found.balance), " after ",
                                          found.versions, " updates instead of ", AmountToString(applied_.balance),
                                          " after ", applied_.versions));
}

BytesWritten Entrant::Bytes() { return {contender_->JournalBytes(), DeviceBytesWritten(place_.directory)}; }

}  // namespace semel::bench
