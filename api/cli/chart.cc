// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace semel::cli {
namespace {

// In units of the drawing, which is shown about as many pixels wide.
constexpr int kPanelWidth = 470;
constexpr int kGap = 20;
constexpr int kWidth = 2 * kPanelWidth + kGap;
constexpr int kRowHeight = 22;
constexpr int kTitleHeight = 34;
constexpr int kAxisHeight = 28;  // below the rows
constexpr int kLabelWidth = 132;
constexpr int kTextWidth = 70;
constexpr int kPlotWidth = kPanelWidth - kLabelWidth - kTextWidth;

constexpr char kStyle[] = R"(<style>
.chart { --paper: #ffffff; --ink: #1d1d20; --soft: #62646b; --line: #dfe1e6; --plain: #a7aeba; --ours: #1f5fbf;
  font: 13px system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; }
@media screen and (prefers-color-scheme: dark) {
  .chart { --paper: #16181c; --ink: #e9eaed; --soft: #a0a4ad; --line: #33373f; --plain: #636b78; --ours: #6ba6ff; }
}
.chart .paper { fill: var(--paper); }
.chart text { fill: var(--ink); }
.chart .soft { fill: var(--soft); }
.chart .title { font-weight: 600; }
.chart .grid { stroke: var(--line); }
.chart .plain { fill: var(--plain); stroke: var(--plain); }
.chart .ours { fill: var(--ours); stroke: var(--ours); }
.chart .limit { fill: var(--paper); stroke: var(--soft); stroke-dasharray: 3 2; }
.chart circle.limit { fill: var(--soft); stroke-dasharray: none; }
.chart .ring, .chart .limit.ring { fill: var(--paper); stroke-width: 2; }
.chart .span { stroke-width: 2; }
.chart .name-ours { font-weight: 600; fill: var(--ours); }
</style>)";

const char* ClassOf(Emphasis emphasis) {
  switch (emphasis) {
    case Emphasis::kOurs:
      return "ours";
    case Emphasis::kLimit:
      return "limit";
    default:
      return "plain";
  }
}

int HeightOf(const Panel& panel) {
  return kTitleHeight + kAxisHeight + static_cast<int>(panel.rows.size()) * kRowHeight;
}

// Draws the marks of one row: where its plot begins, where its middle is, and the row.
using DrawMarks = std::function<std::string(int, int, const Row&)>;

std::string DrawPanel(const Panel& panel, int x, int y, const DrawMarks& marks) {
  std::string svg = fmt::format("<text class=\"title\" x=\"{}\" y=\"{}\">{}</text>\n", x, y + 18, Escaped(panel.title));
  int middle = y + kTitleHeight + kRowHeight / 2;
  for (const Row& row : panel.rows) {
    const char* const name = row.emphasis == Emphasis::kOurs ? " class=\"name-ours\"" : "";
    svg += fmt::format("<text{} x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", name, x + kLabelWidth - 8,
                       middle + 4, Escaped(row.label));
    svg += marks(x + kLabelWidth, middle, row);
    middle += kRowHeight;
  }
  return svg;
}

// Panels two abreast, drawn by `draw` at their places.
std::string DrawChart(std::string_view id, std::string_view title, const std::vector<Panel>& panels,
                      const std::function<std::string(const Panel&, int, int)>& draw) {
  std::string body;
  int top = 0;
  for (size_t i = 0; i < panels.size(); i += 2) {
    int height = HeightOf(panels[i]);
    body += draw(panels[i], 0, top);
    if (i + 1 < panels.size()) {
      body += draw(panels[i + 1], kPanelWidth + kGap, top);
      height = std::max(height, HeightOf(panels[i + 1]));
    }
    top += height;
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"{0}\" class=\"chart\" role=\"img\" aria-label=\"{1}\" "
      "viewBox=\"-8 -4 {2} {3}\" width=\"{2}\" height=\"{3}\">\n<title>{1}</title>\n{4}\n"
      "<rect class=\"paper\" x=\"-8\" y=\"-4\" width=\"{2}\" height=\"{3}\"/>\n{5}</svg>\n",
      id, Escaped(title), kWidth + 16, top + 8, kStyle, body);
}

std::string DrawText(double x, int middle, std::string_view text) {
  return fmt::format("<text class=\"soft\" x=\"{:.1f}\" y=\"{}\">{}</text>\n", x, middle + 4, Escaped(text));
}

std::string DrawBarPanel(const Panel& panel, int x, int y) {
  double end = 0;
  for (const Row& row : panel.rows) end = std::max(end, row.values[0]);
  return DrawPanel(panel, x, y, [end](int left, int middle, const Row& row) {
    const double width = end > 0 ? row.values[0] / end * kPlotWidth : 0;
    return fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"14\"/>\n", ClassOf(row.emphasis),
                       left, middle - 7, width) +
           DrawText(left + width + 6, middle, row.text);
  });
}

// The powers of ten around the values of a panel.
struct Decades {
  int first;
  int last;

  explicit Decades(const Panel& panel) {
    double low = panel.rows[0].values[0];
    double high = low;
    for (const Row& row : panel.rows) {
      low = std::min(low, row.values.front());
      high = std::max(high, row.values.back());
    }
    first = static_cast<int>(std::floor(std::log10(low)));
    last = std::max(first + 1, static_cast<int>(std::ceil(std::log10(high))));
  }
  double At(double value) const { return (std::log10(value) - first) / (last - first) * kPlotWidth; }
};

std::string DrawRange(const Decades& decades, int left, int middle, const Row& row) {
  const char* const look = ClassOf(row.emphasis);
  const double dot = left + decades.At(row.values[0]);
  const double ring = left + decades.At(row.values[1]);
  const double end = left + decades.At(row.values[2]);
  return fmt::format(
             "<path class=\"{0} span\" d=\"M{1:.1f} {4}H{3:.1f}M{3:.1f} {5}V{6}\"/>\n"
             "<circle class=\"{0} ring\" cx=\"{2:.1f}\" cy=\"{4}\" r=\"4\"/>\n"
             "<circle class=\"{0}\" cx=\"{1:.1f}\" cy=\"{4}\" r=\"4.5\"/>\n",
             look, dot, ring, end, middle, middle - 5, middle + 5) +
         DrawText(left + kPlotWidth + 8, middle, row.text);
}

}  // namespace

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string BarChart(std::string_view id, std::string_view title, const std::vector<Panel>& panels) {
  return DrawChart(id, title, panels, DrawBarPanel);
}

std::string RangeChart(std::string_view id, std::string_view title, const std::vector<Panel>& panels,
                       std::string (*ShowTick)(double)) {
  return DrawChart(id, title, panels, [ShowTick](const Panel& panel, int x, int y) {
    const Decades decades(panel);
    const int bottom = y + HeightOf(panel) - kAxisHeight;
    std::string svg;
    for (int power = decades.first; power <= decades.last; ++power) {
      const double value = std::pow(10, power);
      const double at = x + kLabelWidth + decades.At(value);
      svg += fmt::format(
          "<path class=\"grid\" d=\"M{0:.1f} {1}V{2}\"/><text class=\"soft\" x=\"{0:.1f}\" y=\"{3}\" "
          "text-anchor=\"middle\">{4}</text>\n",
          at, y + kTitleHeight - 4, bottom, bottom + 15, Escaped(ShowTick(value)));
    }
    return svg + DrawPanel(panel, x, y, [&decades](int left, int middle, const Row& row) {
             return DrawRange(decades, left, middle, row);
           });
  });
}

}  // namespace semel::cli
