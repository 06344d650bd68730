// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A contender with all its accounts and its callers, ready to be measured again and again.

#ifndef SEMEL_API_BENCH_ENTRANT_H_
#define SEMEL_API_BENCH_ENTRANT_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "api/bench/contender.h"
#include "api/bench/workload.h"

namespace semel::bench {

// What was measured between two moments. Making the changes is not timed.
struct Slice {
  uint64_t changes = 0;
  double seconds = 0;
  std::vector<float> latencies_us;  // of each call
};

struct BytesWritten {
  uint64_t journal = 0;  // of the contender; 0: keeps no journal
  uint64_t device = 0;   // by anybody; 0: the system does not say
};

class Entrant {
 public:
  // Opens the contender in `place` and creates all accounts. Each caller has a session and accounts of its own.
  static absl::StatusOr<std::unique_ptr<Entrant>> Load(const ContenderKind& kind, const Place& place,
                                                       const Workload& workload, uint64_t callers = 1);

  // All callers apply batches of `batch` changes at once, until either bound is reached; at least one each.
  // Errors: what the contender answers; Internal (a batch was not decided as it should be).
  absl::StatusOr<Slice> Run(size_t batch, uint64_t changes_max,
                            double seconds_max = std::numeric_limits<double>::infinity());

  // Errors: Internal (the accounts do not add up to what was applied).
  absl::Status Verify();

  BytesWritten Bytes();
  uint64_t StateBytes() { return contender_->StateBytes(); }

 private:
  struct Call {
    std::vector<Change> changes;
    uint64_t must_apply = 0;  // updates
  };
  struct Caller {
    std::unique_ptr<Session> session;
    Producer producer;
    std::vector<Call> calls;  // of the running phase
    size_t call_count = 0;
    std::vector<float> latencies_us;
    absl::Status status;
  };

  Entrant(Place place, const Workload& workload) : place_(std::move(place)), workload_(workload) {}
  absl::Status CreateAccounts(Caller* caller);
  void Prepare(size_t batch, size_t calls);
  void RunCalls(Caller* caller);
  double RunAllCalls();
  absl::Status Collect(Slice* slice);

  const Place place_;
  const Workload workload_;
  std::unique_ptr<Contender> contender_;
  std::vector<Caller> callers_;
  Totals applied_;
};

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_ENTRANT_H_
