// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How often each outcome was answered, as commands that take many changes report it.

#ifndef SEMEL_API_CLI_OUTCOME_COUNTS_H_
#define SEMEL_API_CLI_OUTCOME_COUNTS_H_

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "semel/outcome.h"

namespace semel::cli {

using OutcomeCounts = std::array<uint64_t, kOutcomeCodeCount>;  // by code

// Every outcome by its name, those that never came too.
nlohmann::ordered_json ToJson(const OutcomeCounts& counts);

// Those that came, and the total in the last row; below it what became of changes that were parked.
void PrintOutcomes(const OutcomeCounts& counts, uint64_t total, const OutcomeCounts& unparked);

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_OUTCOME_COUNTS_H_
