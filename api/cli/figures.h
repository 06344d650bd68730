// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What a command found out, as figures with names: two columns for people, one JSON object for programs.

#ifndef SEMEL_API_CLI_FIGURES_H_
#define SEMEL_API_CLI_FIGURES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace semel::cli {

// Numbers are strings in JSON: they may exceed 2^53.
class Figures {
 public:
  void Add(std::string name, std::string text) { rows_.push_back({std::move(name), std::move(text), Kind::kText}); }
  void Add(std::string name, const char* text) { Add(std::move(name), std::string(text)); }
  void Add(std::string name, uint64_t number) { Add(std::move(name), std::to_string(number)); }
  // Shown as a time to people; 0: none.
  void AddTime(std::string name, int64_t time_us) {
    rows_.push_back({std::move(name), std::to_string(time_us), Kind::kTime});
  }
  // true and false in JSON.
  void AddYesNo(std::string name, bool yes) { rows_.push_back({std::move(name), yes ? "yes" : "no", Kind::kYesNo}); }

  void Print(bool json) const;

 private:
  enum class Kind { kText, kTime, kYesNo };
  struct Row {
    std::string name;
    std::string text;
    Kind kind;
  };

  void PrintTable() const;
  void PrintJson() const;

  std::vector<Row> rows_;
};

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_FIGURES_H_
