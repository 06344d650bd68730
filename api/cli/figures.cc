// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/figures.h"

#include <nlohmann/json.hpp>

#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {

void Figures::Print(bool json) const {
  if (json) {
    PrintJson();
  } else {
    PrintTable();
  }
}

void Figures::PrintTable() const {
  Properties table;
  for (const Row& row : rows_) {
    const bool is_time = row.kind == Kind::kTime && row.text != "0";
    table.Add(row.name, is_time ? FormatTime(std::stoll(row.text)) : Printable(row.text));
  }
  table.Print();
}

void Figures::PrintJson() const {
  nlohmann::ordered_json object;
  for (const Row& row : rows_) {
    if (row.kind == Kind::kYesNo) {
      object[row.name] = row.text == "yes";
    } else {
      object[row.name] = row.text;
    }
  }
  PrintLine(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace semel::cli
