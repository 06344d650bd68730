// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What happens when memory runs out within the ledger: the process ends there and then, as a kill would end it. Nothing
// is lost by that. An exception instead would unwind through half of a frame and through locks, behind which other
// threads wait; and Abseil's tables do not survive one.

#ifndef SEMEL_ENGINE_BASE_VITAL_MEMORY_H_
#define SEMEL_ENGINE_BASE_VITAL_MEMORY_H_

namespace semel::internal {

// While one lives, an allocation of its thread by `new` that fails ends the process, with a line on standard error.
// Other threads meet with what was before: the new-handler that the program had set when the first was made, or
// std::bad_alloc. A program that sets its own later takes this away again. May be nested.
class VitalMemory {
 public:
  VitalMemory();
  ~VitalMemory();
  VitalMemory(const VitalMemory&) = delete;
  VitalMemory& operator=(const VitalMemory&) = delete;
};

// Ends the process like such an allocation, for what else needs memory: a thread.
[[noreturn]] void EndOutOfMemory();

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_VITAL_MEMORY_H_
