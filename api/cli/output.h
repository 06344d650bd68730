// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Standard output. A reader that goes away (`semel list L | head`) ends the program quietly; any other failure to
// write, such as a full disk, ends it with a message.

#ifndef SEMEL_API_CLI_OUTPUT_H_
#define SEMEL_API_CLI_OUTPUT_H_

#include <string>
#include <string_view>
#include <vector>

namespace semel::cli {

// Appends a newline. Buffered.
void PrintLine(std::string_view line);

// As they are. Buffered.
void PrintBytes(std::string_view bytes);

// Call before the program ends, and whenever someone waits for the lines.
void FlushOutput();

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

// Rows in aligned columns. Holds back a page of rows to see how wide they are, so that a table of any length can be
// printed; a later page may widen the columns.
class Table {
 public:
  explicit Table(std::vector<Column> columns);
  ~Table() { Flush(); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  void Add(std::vector<std::string> row);  // as many cells as columns, printable
  void Flush();                            // prints what is held back, the titles first

 private:
  void Print(const std::vector<std::string>& row) const;

  std::vector<Column> columns_;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> page_;
};

// One record of comma-separated values. Cells are printable, so that a record is a line; those with a comma or a quote
// are quoted.
void PrintCsv(const std::vector<std::string>& cells);

// Name and value in two columns, without titles.
class Properties {
 public:
  void Add(std::string name, std::string value) { rows_.emplace_back(std::move(name), std::move(value)); }
  void Print() const;

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_OUTPUT_H_
