// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The page of a race: what was measured, three charts, and every figure as a table.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/cli/chart.h"
#include "api/cli/race_results.h"
#include "semel/version.h"

namespace semel::cli {
namespace {

constexpr char kHead[] = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Semel benchmark</title>
<style>
:root { --paper: #ffffff; --ink: #1d1d20; --soft: #62646b; --line: #dfe1e6; --ours: #1f5fbf; --wash: #f3f6fb; }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #16181c; --ink: #e9eaed; --soft: #a0a4ad; --line: #33373f; --ours: #6ba6ff; --wash: #1d2430; }
}
body { margin: 0 auto; padding: 24px 20px 48px; max-width: 976px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; }
h1 { margin: 0 0 4px; font-size: 28px; line-height: 1.2; }
h2 { margin: 40px 0 4px; font-size: 20px; }
p { margin: 4px 0 12px; max-width: 76ch; }
.soft, dt, figcaption, th { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 16px 0 0; font-size: 14px; }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; }
figure { margin: 8px 0 0; overflow-x: auto; }
figure svg { display: block; max-width: 100%; min-width: 720px; height: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th { font-weight: 500; text-align: right; vertical-align: bottom; }
td { text-align: right; white-space: nowrap; }
th, td { padding: 4px 0 4px 14px; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: 6px; text-align: left; }
tr.ours td { background: var(--wash); }
tr.ours td:first-child { color: var(--ours); font-weight: 600; }
caption { padding: 20px 0 4px 6px; text-align: left; font-weight: 600; }
.scroll { overflow-x: auto; }
@page { margin: 14mm; }
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { padding: 0; font-size: 12px; }
  figure svg { min-width: 0; width: 100%; }
  figure, table { break-inside: avoid; }
  h2 { break-after: avoid; }
}
</style>
</head>
<body>
)";

Emphasis EmphasisOf(const bench::Standing& standing) {
  const std::string_view name = standing.kind.name;
  if (name == "semel") return Emphasis::kOurs;
  return name == "bare_loop" ? Emphasis::kLimit : Emphasis::kPlain;
}

// A panel for each batch size; `fill` sets the values and the text of a row.
std::vector<Panel> Panels(const RaceResults& results,
                          const std::function<void(const bench::Measurement&, Row*)>& fill) {
  std::vector<Panel> panels;
  for (size_t at = 0; at < results.options.batches.size(); ++at) {
    const uint64_t batch = results.options.batches[at];
    Panel panel{batch == 1 ? "One change at a time" : fmt::format("Batches of {}", batch), {}};
    for (const bench::Standing& standing : results.standings) {
      if (!standing.not_run.empty()) continue;
      Row row{standing.kind.title, {}, "", EmphasisOf(standing)};
      fill(standing.measurements[at], &row);
      if (!row.values.empty()) panel.rows.push_back(std::move(row));
    }
    if (!panel.rows.empty()) panels.push_back(std::move(panel));
  }
  return panels;
}

std::string Figure(std::string_view heading, std::string_view text, const std::string& chart) {
  return fmt::format("<h2>{}</h2>\n<p class=\"soft\">{}</p>\n<figure>\n{}</figure>\n", heading, text, chart);
}

std::string Charts(const RaceResults& results) {
  const auto rates = Panels(results, [](const bench::Measurement& m, Row* row) {
    row->values = {m.changes_per_second};
    row->text = ShowRate(m.changes_per_second);
  });
  const auto latencies = Panels(results, [](const bench::Measurement& m, Row* row) {
    row->values = {m.latency_us.p50, m.latency_us.p99, m.latency_us.p999};
    row->text = ShowTime(m.latency_us.p50);
  });
  const auto bytes = Panels(results, [](const bench::Measurement& m, Row* row) {
    if (m.disk_bytes_per_change > 0) row->values = {m.disk_bytes_per_change};
    row->text = ShowBytes(m.disk_bytes_per_change);
  });
  std::string html = Figure("Changes a second",
                            "Longer is better. The dashed bar is the limit: the same bytes looked up, hashed, encoded, "
                            "written and synced, and nothing else.",
                            BarChart("throughput", "Changes a second, by batch size", rates));
  html +=
      Figure("How long a call takes",
             "Further left is better, on a logarithmic scale. The dot is the median, which stands at the right; the "
             "ring is the 99th percentile, the end of the line the 99.9th. A call answers a whole batch.",
             RangeChart("latency", "Latency of a call, by batch size", latencies, ShowTime));
  if (bytes.empty()) return html;
  return html + Figure("Bytes written to disk for each change",
                       "Shorter is better. What the device was given while the contender had its turn: logs, pages, "
                       "file system, and what others wrote meanwhile.",
                       BarChart("bytes", "Bytes written to disk for each change, by batch size", bytes));
}

std::string TableOf(const RaceResults& results, size_t at) {
  std::string html = fmt::format(
      "<div class=\"scroll\"><table>\n<caption>Batches of {}</caption>\n<tr><th>contender<th>changes/s<th>rounds"
      "<th>Semel is<th>p50<th>p99<th>p99.9<th>max<th>journal<br>B/change<th>disk<br>B/change</tr>\n",
      results.options.batches[at]);
  for (const bench::Standing& standing : results.standings) {
    if (!standing.not_run.empty()) continue;
    const bench::Measurement& m = standing.measurements[at];
    const char* const look = EmphasisOf(standing) == Emphasis::kOurs ? " class=\"ours\"" : "";
    html += fmt::format("<tr{}><td>{}", look, Escaped(standing.kind.title));
    for (const std::string& cell :
         {ShowRate(m.changes_per_second),
          fmt::format("{} \u2013 {}", ShowRate(m.slowest_round), ShowRate(m.fastest_round)),
          ShowRatio(SemelAt(results, at).changes_per_second, m.changes_per_second), ShowTime(m.latency_us.p50),
          ShowTime(m.latency_us.p99), ShowTime(m.latency_us.p999), ShowTime(m.latency_us.max),
          ShowBytes(m.journal_bytes_per_change), ShowBytes(m.disk_bytes_per_change)}) {
      html += "<td>" + cell;
    }
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

// What ran, and what did not and why.
std::string Contenders(const RaceResults& results) {
  std::string html = "<h2>Who ran</h2>\n<dl>\n";
  for (const bench::Standing& standing : results.standings) {
    html += fmt::format("<dt>{}<dd>{}{}\n", Escaped(standing.kind.title), Escaped(standing.kind.about),
                        standing.not_run.empty() ? "" : "; <b>not run</b>: " + Escaped(standing.not_run));
  }
  return html + "</dl>\n";
}

std::string Facts(const RaceResults& results) {
  const bench::Machine& machine = results.machine;
  const std::pair<const char*, std::string> facts[] = {
      {"processor", machine.processor},
      {"memory", machine.memory},
      {"kernel", machine.kernel},
      {"file system", machine.file_system},
      {"date", machine.date},
      {"measured", fmt::format("{} s a contender and batch size, in {} turns; rates are the median of the turns",
                               results.options.seconds, bench::kRounds)},
      {"version", fmt::format("semel {}", SEMEL_VERSION)},
  };
  std::string html = "<dl>\n";
  for (const auto& [name, text] : facts) html += fmt::format("<dt>{}<dd>{}\n", name, Escaped(text));
  return html + fmt::format("<dt>command<dd><code>{}</code>\n</dl>\n", Escaped(results.command));
}

}  // namespace

std::string RaceReport(const RaceResults& results) {
  std::string html = kHead;
  html += fmt::format("<h1>Durable compare-and-sets</h1>\n<p>{}.</p>\n",
                      Escaped("A change: " + DescribeWorkload(results.options)));
  html += Facts(results) + Charts(results) + "<h2>All figures</h2>\n";
  for (size_t at = 0; at < results.options.batches.size(); ++at) html += TableOf(results, at);
  return html + Contenders(results) + "</body>\n</html>\n";
}

}  // namespace semel::cli
