// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Stands before the system calls of its process that change files, those of LMDB included: counts them, records them,
// and strikes one or all from one on. And before its allocations, of which it can make one fail, or all from one on.
//
//   Shared* const shared = SharedWithChildren();
//   const pid_t child = fork();
//   if (child == 0) {
//     Arm({.root = directory, .call = 17, .strike = Strike::kKillWithin});
//     ... the 17th call on a file below `directory` is cut in the middle, and the process dies ...
//   }
//
// The functions of the C library are defined here again, in the executable, which the dynamic linker prefers. What is
// armed is this process; what was observed stands in memory that the driver shares and that outlives a kill.
//
// Not seen: writes through a mapping. LMDB makes them to its lock file only, which means nothing after a power loss.

#ifndef SEMEL_TESTS_FAULTS_INTERPOSE_H_
#define SEMEL_TESTS_FAULTS_INTERPOSE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace semel::testing {

enum class Strike {
  kNone,
  kKillBefore,  // SIGKILL before the call
  kKillWithin,  // of a write a half is done; like kKillBefore otherwise
  kKillAfter,   // the call is done, and does not return
  kIoError,     // EIO; of a write a half is done
  kNoSpace,     // ENOSPC, likewise, if the call is one that needs space; otherwise EIO
  kShortWrite,  // a write does a half and says so; other calls are spared
  kInterrupt,   // EINTR, if the call is one that may say so; each is interrupted once
};

struct FaultPlan {
  std::string root;   // absolute: the calls on it and on what lies below count
  uint64_t call = 0;  // struck, from 1; 0: none
  Strike strike = Strike::kNone;
  bool for_ever = false;  // the calls after it, too
  bool record = false;    // writes down what the calls do, for Recorded()

  // How many bytes files may grow by, all together, before the disk is full.
  uint64_t space_bytes = UINT64_MAX;

  bool disk_is_small = false;  // in truth: an error needs no other fault
  bool own_disk = false;       // the files lie on a BlockDevice: syncs are done

  uint32_t sync_ms_once_struck = 0;  // how long a disk that has failed takes to sync

  uint64_t allocation = 0;  // fails, from 1; 0: none
  bool allocations_for_ever = false;
};

constexpr size_t kChangesMax = 512;

// What a child did, as it was when it ended.
struct Shared {
  std::atomic<uint64_t> calls;
  std::atomic<uint64_t> allocations;
  std::atomic<bool> struck;       // some call or allocation was
  std::atomic<bool> is_open;      // kept by the worker: calls come from an open ledger
  std::atomic<bool> struck_open;  // is_open, when the first call was struck
  char struck_path[256];          // of the first call that was struck
  char struck_call[16];

  char report[4096];                               // what the child found wrong
  std::atomic<uint64_t> images;                    // how many power losses it recovered from
  std::atomic<uint8_t> acknowledged[kChangesMax];  // by number of the change: 1 + its outcome code; 0: not acknowledged

  std::atomic<uint64_t> device_requests;               // that the disk below has seen, where it is a BlockDevice
  std::atomic<uint64_t> acknowledged_at[kChangesMax];  // device_requests when this life acknowledged it so first
};

// Made at the first call, which must come from the driver.
Shared* SharedWithChildren();

// Zeros all that was observed and recorded.
void ForgetObserved();

// In a child. Counts begin anew. Only files that are opened after the first time are seen.
void Arm(const FaultPlan& plan);
void Disarm();

// While one lives, allocations of its thread neither count nor fail: they are the test's own.
class SpareAllocations {
 public:
  explicit SpareAllocations(bool spare = true);
  ~SpareAllocations();
  SpareAllocations(const SpareAllocations&) = delete;
  SpareAllocations& operator=(const SpareAllocations&) = delete;

 private:
  const bool before_;
};

// ---- The record

enum class Call : uint32_t {
  kOpen,          // `file` is the number of the open file from now on; `argument` are the flags
  kWrite,         // at `argument`
  kWriteDurably,  // the same through O_DSYNC
  kSync,          // of a file or a directory
  kTruncate,      // to `argument` bytes
  kRename,        // path to other_path
  kLink,          // likewise
  kRemove,
  kMakeDirectory,
  kAcknowledge,  // by RecordAcknowledgement: `argument`
};

struct RecordedCall {
  Call call;
  bool failed;  // of a write: the bytes are what was written before it failed
  uint64_t file;
  uint64_t argument;
  std::string_view path;  // relative to the root, which is ""
  std::string_view other_path;
  std::string_view bytes;
};

// Writes down, in its place among the calls, that an outcome was received.
void RecordAcknowledgement(uint64_t number);

// What the last armed child recorded, in order; valid until ForgetObserved.
std::vector<RecordedCall> Recorded();

}  // namespace semel::testing

#endif  // SEMEL_TESTS_FAULTS_INTERPOSE_H_
