// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/outcome_counts.h"

#include <fmt/format.h>

#include <string>

#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

std::string NameOf(size_t code) { return std::string(ToString(static_cast<OutcomeCode>(code))); }

}  // namespace

nlohmann::ordered_json ToJson(const OutcomeCounts& counts) {
  nlohmann::ordered_json outcomes;
  for (size_t code = 1; code < kOutcomeCodeCount; ++code) outcomes[NameOf(code)] = counts[code];
  return outcomes;
}

void PrintOutcomes(const OutcomeCounts& counts, uint64_t total, const OutcomeCounts& unparked) {
  Table table({{"OUTCOME"}, {"CHANGES", Align::kRight}});
  for (size_t code = 1; code < kOutcomeCodeCount; ++code) {
    if (counts[code] == 0) continue;
    table.Add({NameOf(code), std::to_string(counts[code])});
  }
  table.Add({"total", std::to_string(total)});
  table.Flush();
  for (size_t code = 1; code < kOutcomeCodeCount; ++code) {
    if (unparked[code] == 0) continue;
    PrintLine(fmt::format("{} decided: {}", Count(unparked[code], "parked change"), NameOf(code)));
  }
}

}  // namespace semel::cli
