// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Charts as SVG: each stands by itself, readable on paper and, where the reader prefers that, on a dark screen.

#ifndef SEMEL_API_CLI_CHART_H_
#define SEMEL_API_CLI_CHART_H_

#include <string>
#include <string_view>
#include <vector>

namespace semel::cli {

enum class Emphasis {
  kPlain,
  kOurs,   // what the chart is about
  kLimit,  // what nothing can exceed: an outline
};

// One line of a panel, with what it shows as text. A bar shows one value; a range its first as a dot, its second as a
// ring, and ends at its third, all above zero.
struct Row {
  std::string label;
  std::vector<double> values;
  std::string text;
  Emphasis emphasis = Emphasis::kPlain;
};
struct Panel {
  std::string title;
  std::vector<Row> rows;
};

// Panels two abreast; in each, bars from zero to a common end.
std::string BarChart(std::string_view id, std::string_view title, const std::vector<Panel>& panels);

// The same with ranges, on a logarithmic scale of each panel; `ShowTick` is the text of a power of ten.
std::string RangeChart(std::string_view id, std::string_view title, const std::vector<Panel>& panels,
                       std::string (*ShowTick)(double));

// Text as it may stand in HTML and in SVG.
std::string Escaped(std::string_view text);

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_CHART_H_
