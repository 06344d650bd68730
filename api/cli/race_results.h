// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What a race found out, as a table, as JSON and as a page.

#ifndef SEMEL_API_CLI_RACE_RESULTS_H_
#define SEMEL_API_CLI_RACE_RESULTS_H_

#include <string>
#include <vector>

#include "api/bench/machine.h"
#include "api/bench/race.h"

namespace semel::cli {

struct RaceResults {
  bench::RaceOptions options;
  bench::Machine machine;
  std::string command;  // as it was typed
  std::vector<bench::Standing> standings;
};

void PrintRaceTable(const RaceResults& results);
void PrintRaceJson(const RaceResults& results);

// One self-contained HTML page with its charts.
std::string RaceReport(const RaceResults& results);

// What the table and the page share.

// "1.24 M", "56.8 k", "812": three digits that count.
std::string ShowRate(double value);
// Micro-, milliseconds or seconds: "126 us".
std::string ShowTime(double us);
// "-" for zero, which says that it is not known.
std::string ShowBytes(double bytes);

// How often one rate holds the other: "6.7x".
std::string ShowRatio(double rate, double other);

// The first standing's measurement with the same batch size: Semel's.
const bench::Measurement& SemelAt(const RaceResults& results, size_t batch_index);

// "1 of 100,000 accounts, each drawn equally often, 1 added to its balance; 1 caller; synced before each answer".
std::string DescribeWorkload(const bench::RaceOptions& options);

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_RACE_RESULTS_H_
