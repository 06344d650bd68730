// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What a power loss leaves of the files that a child wrote: its recorded calls, played again on a simulated disk that
// knows what is durable.

#ifndef SEMEL_TESTS_FAULTS_POWER_LOSS_H_
#define SEMEL_TESTS_FAULTS_POWER_LOSS_H_

#include <map>
#include <memory>
#include <string>

#include "tests/faults/interpose.h"
#include "tests/sim/sim_file_system.h"

namespace semel::testing {

// Plays recorded calls, one after another.
class Replay {
 public:
  // On an empty disk, or on what another replay's power loss left, for a child that went on there.
  explicit Replay(SimFileSystem* disk) : disk_(disk) {}

  // A write through O_DSYNC is played in two steps: as if it was cut short, and then with Settle. Everything else is
  // settled at once.
  void Play(const RecordedCall& call);
  void Settle();

 private:
  void Open(const RecordedCall& call);
  void Sync(const RecordedCall& call);
  internal::File* FileOf(const RecordedCall& call);

  struct Opened {
    std::string path;
    std::unique_ptr<internal::File> file;  // none for a directory
  };

  SimFileSystem* const disk_;
  std::map<uint64_t, Opened> files_;
  uint64_t unsettled_ = 0;  // the file of a write through O_DSYNC
};

// Plays all that the last child recorded.
void PlayRecorded(SimFileSystem* disk);

// Writes all that is on `disk` into `directory`, which is empty.
void WriteOut(SimFileSystem* disk, const std::string& directory);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_FAULTS_POWER_LOSS_H_
