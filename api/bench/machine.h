// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What a measurement was made on.

#ifndef SEMEL_API_BENCH_MACHINE_H_
#define SEMEL_API_BENCH_MACHINE_H_

#include <string>

namespace semel::bench {

// Lines of text; "unknown" where the system does not say.
struct Machine {
  std::string processor;    // "Intel(R) Xeon(R) Processor, 2 cores"
  std::string memory;       // "23 GiB"
  std::string kernel;       // "Linux 6.1.0"
  std::string file_system;  // of the data: "ext4 on /dev/vda"
  std::string date;         // "2026-11-21", UTC
};
Machine DescribeMachine(const std::string& directory);

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_MACHINE_H_
