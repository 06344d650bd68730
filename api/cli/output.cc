// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "api/cli/commands.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

constexpr size_t kPageRows = 500;

// Ends at once, without the destructors of an open ledger: what it answered is durable already.
[[noreturn]] void StopWriting() {
  if (errno == EPIPE) std::_Exit(kExitOk);
  fmt::print(stderr, "semel: standard output cannot be written: {}\n", std::strerror(errno));
  std::_Exit(kExitFailed);
}

std::string QuotedCell(const std::string& cell) {
  if (cell.find_first_of(",\"") == cell.npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

void PrintLine(std::string_view line) {
  PrintBytes(line);
  PrintBytes("\n");
}

void PrintBytes(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) StopWriting();
}

void FlushOutput() {
  if (std::fflush(stdout) != 0) StopWriting();
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  widths_.resize(columns_.size());
  Add(std::move(titles));
}

void Table::Add(std::vector<std::string> row) {
  for (size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], Columns(row[i]));
  page_.push_back(std::move(row));
  if (page_.size() == kPageRows) Flush();
}

void Table::Flush() {
  for (const std::vector<std::string>& row : page_) Print(row);
  page_.clear();
}

void Table::Print(const std::vector<std::string>& row) const {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    const std::string padding(widths_[i] - Columns(row[i]), ' ');
    line += i == 0 ? "" : "  ";
    line += columns_[i].align == Align::kRight ? padding + row[i] : row[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  PrintLine(line);
}

void PrintCsv(const std::vector<std::string>& cells) {
  std::string record;
  for (size_t i = 0; i < cells.size(); ++i) record += (i == 0 ? "" : ",") + QuotedCell(cells[i]);
  PrintLine(record);
}

void Properties::Print() const {
  size_t width = 0;
  for (const auto& [name, value] : rows_) width = std::max(width, Columns(name));
  for (const auto& [name, value] : rows_) PrintLine(fmt::format("{:<{}}  {}", name, width, value));
}

}  // namespace semel::cli
