// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// statement: the opening balance of an entity, its changes in a period, the closing balance.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/cli/arguments.h"
#include "api/cli/checked_sum.h"
#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

constexpr uint64_t kPageLines = 256;  // read at once: a statement may be longer than memory is large

struct StatementOptions {
  std::string ledger;
  std::string key;
  std::string from;  // "": since the beginning
  std::string to;    // "": until now
  Form form = Form::kTable;
};

// What a statement says beside its lines, which are the versions after opening.version up to closing.version.
struct Statement {
  std::optional<int64_t> from_us;
  std::optional<int64_t> to_us;  // exclusive
  Entity opening;
  Entity closing;
};

// ---- Reading

// Errors: InvalidArgument.
absl::Status ReadPeriod(const StatementOptions& options, Statement* statement) {
  const auto read = [](std::string_view option, const std::string& text, std::optional<int64_t>* time_us) {
    if (text.empty()) return absl::OkStatus();
    const absl::StatusOr<int64_t> time = ReadTime(option, text);
    if (time.ok()) *time_us = *time;
    return time.status();
  };
  if (absl::Status status = read("--from", options.from, &statement->from_us); !status.ok()) return status;
  if (absl::Status status = read("--to", options.to, &statement->to_us); !status.ok()) return status;
  if (statement->from_us.has_value() && statement->to_us.has_value() && *statement->from_us > *statement->to_us) {
    return absl::InvalidArgumentError("--from is later than --to");
  }
  return absl::OkStatus();
}

// The last moment before a time.
AsOf Before(int64_t time_us) { return AsOf::TimeUs(std::max(time_us, std::numeric_limits<int64_t>::min() + 1) - 1); }

absl::Status ReadBalances(const std::string& key, Ledger& ledger, Statement* statement) {
  absl::StatusOr<Entity> closing = ledger.Get(key, statement->to_us.has_value() ? Before(*statement->to_us) : AsOf());
  if (!closing.ok()) return closing.status();
  absl::StatusOr<Entity> opening =
      ledger.Get(key, statement->from_us.has_value() ? Before(*statement->from_us) : AsOf::Version(0));
  if (!opening.ok()) return opening.status();
  // A period that lies in the future is empty, though a writer may have moved the entity on between the two reads.
  statement->opening = opening->version > closing->version ? *closing : *std::move(opening);
  statement->closing = *std::move(closing);
  return absl::OkStatus();
}

// Calls `visit` for the lines, oldest first, and checks that each leads from one balance to the next, and the last to
// the closing balance. Errors: OutOfRange (part of the history was trimmed), Internal (it does not add up).
template <typename Visit>
absl::Status VisitLines(const std::string& key, const Statement& statement, Ledger& ledger, const Visit& visit) {
  HistoryOptions page;
  page.limit = kPageLines;
  page.oldest_first = true;
  page.after_version = statement.opening.version;
  page.up_to_version = statement.closing.version;
  Amount balance = statement.opening.balance;
  while (page.after_version < page.up_to_version) {
    const absl::StatusOr<std::vector<HistoryLine>> lines = ledger.History(key, page);
    if (!lines.ok()) return lines.status();
    if (lines->empty() || lines->front().version != page.after_version + 1) {
      return absl::OutOfRangeError("the history of this period is not kept any more; give a later --from");
    }
    for (const HistoryLine& line : *lines) {
      if (!AddTo(&balance, line.action == Action::kAdd ? line.amount : 0) || balance != line.balance) {
        return absl::InternalError(fmt::format("version {} does not add up: its balance is {}, the changes give {}",
                                               line.version, AmountToString(line.balance), AmountToString(balance)));
      }
      visit(line);
    }
    page.after_version = lines->back().version;
  }
  if (balance == statement.closing.balance) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("the statement does not add up: its closing balance is {}, the changes give {}",
                  AmountToString(statement.closing.balance), AmountToString(balance)));
}

// ---- Printing

std::string ShowTime(std::optional<int64_t> time_us) { return time_us.has_value() ? FormatTime(*time_us) : ""; }

// A statement in one of its forms: Begin, each Line, End. What does not add up is never ended.
class Printer {
 public:
  virtual ~Printer() = default;
  virtual void Begin(const Statement& statement) = 0;
  virtual void Line(const HistoryLine& line) = 0;
  virtual void End(const Statement& statement) = 0;
};

// Opening balance, lines and closing balance as rows of one shape.
class RowPrinter : public Printer {
 public:
  void Begin(const Statement& statement) override {
    AddRow({std::to_string(statement.opening.version), ShowTime(statement.from_us), "opening", "",
            AmountToString(statement.opening.balance), "", ""});
  }
  void Line(const HistoryLine& line) override {
    AddRow({std::to_string(line.version), FormatTime(line.commit_time_us), std::string(ToString(line.action)),
            line.action == Action::kAdd ? AmountToString(line.amount) : "", AmountToString(line.balance),
            Printable(line.id), std::to_string(line.sequence)});
  }
  void End(const Statement& statement) override {
    AddRow({std::to_string(statement.closing.version), ShowTime(statement.to_us), "closing", "",
            AmountToString(statement.closing.balance), "", ""});
  }

 protected:
  virtual void AddRow(std::vector<std::string> row) = 0;
};

class TablePrinter final : public RowPrinter {
 public:
  void Begin(const Statement& statement) override {
    Properties head;
    head.Add("key", Printable(statement.closing.key));
    if (statement.closing.policy.asset.has_value()) head.Add("asset", Printable(*statement.closing.policy.asset));
    head.Print();
    RowPrinter::Begin(statement);
  }

 private:
  void AddRow(std::vector<std::string> row) override { table_.Add(std::move(row)); }

  Table table_{{{"VERSION", Align::kRight},
                {"TIME"},
                {"ACTION"},
                {"AMOUNT", Align::kRight},
                {"BALANCE", Align::kRight},
                {"ID"},
                {"SEQUENCE", Align::kRight}}};
};

// Each row begins with key and asset, so that the rows of several statements can stand in one file.
class CsvPrinter final : public RowPrinter {
 public:
  void Begin(const Statement& statement) override {
    key_ = Printable(statement.closing.key);
    asset_ = Printable(statement.closing.policy.asset.value_or(""));
    PrintCsv({"key", "asset", "version", "time", "action", "amount", "balance", "id", "sequence"});
    RowPrinter::Begin(statement);
  }

 private:
  void AddRow(std::vector<std::string> row) override {
    row.insert(row.begin(), {key_, asset_});
    PrintCsv(row);
  }

  std::string key_;
  std::string asset_;
};

// One object over several lines.
class JsonPrinter final : public Printer {
 public:
  void Begin(const Statement& statement) override {
    nlohmann::ordered_json head{{"key", statement.closing.key}};
    if (statement.closing.policy.asset.has_value()) head["asset"] = *statement.closing.policy.asset;
    if (statement.from_us.has_value()) head["from_us"] = std::to_string(*statement.from_us);
    if (statement.to_us.has_value()) head["to_us"] = std::to_string(*statement.to_us);
    head["opening"] = Balance(statement.opening);
    std::string text = Dump(head);
    text.pop_back();  // the object stays open
    PrintLine(text + ",\"lines\":[");
  }
  void Line(const HistoryLine& line) override {
    PrintLine((first_ ? "" : ",") + ToJson(line));
    first_ = false;
  }
  void End(const Statement& statement) override {
    PrintLine("],\"closing\":" + Dump(Balance(statement.closing)) + "}");
  }

 private:
  static nlohmann::ordered_json Balance(const Entity& entity) {
    return {{"version", std::to_string(entity.version)}, {"balance", AmountToString(entity.balance)}};
  }
  static std::string Dump(const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  bool first_ = true;
};

std::unique_ptr<Printer> MakePrinter(Form form) {
  if (form == Form::kCsv) return std::make_unique<CsvPrinter>();
  if (form == Form::kJson) return std::make_unique<JsonPrinter>();
  return std::make_unique<TablePrinter>();
}

absl::Status PrintStatement(const StatementOptions& options, Ledger& ledger) {
  Statement statement;
  if (absl::Status status = ReadPeriod(options, &statement); !status.ok()) return status;
  if (absl::Status status = ReadBalances(options.key, ledger, &statement); !status.ok()) return status;
  if (options.form == Form::kTable && statement.closing.version == 0) {
    PrintLine(fmt::format(
        "{} {}", Printable(options.key),
        statement.to_us.has_value() ? "did not exist before " + FormatTime(*statement.to_us) : "never existed"));
    return absl::OkStatus();
  }
  const std::unique_ptr<Printer> printer = MakePrinter(options.form);
  printer->Begin(statement);
  const auto print_line = [&](const HistoryLine& line) { printer->Line(line); };
  const absl::Status status = VisitLines(options.key, statement, ledger, print_line);
  if (status.ok()) printer->End(statement);
  return status;
}

}  // namespace

void AddStatement(CLI::App& app, int* exit) {
  CLI::App* const command =
      app.add_subcommand("statement", "Show the opening balance, the changes and the closing balance of one entity");
  const auto options = std::make_shared<StatementOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->add_option("KEY", options->key, "The entity's key")->required();
  command->add_option("--from", options->from,
                      "Changes from this time on: RFC 3339, a date (its first moment in UTC), or microseconds since "
                      "1970. Default: all");
  command->add_option("--to", options->to, "Changes before this time. Default: all");
  AddForm(command, &options->form);
  command->footer(
      "The command checks that the opening balance and the amounts give the closing balance.\n\n"
      "Example:\n"
      "  semel statement accounts account/alice\n"
      "  semel statement accounts account/alice --from 2026-11-01 --to 2026-12-01 --format csv");
  command->callback([options, exit] {
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return PrintStatement(*options, ledger); });
  });
}

}  // namespace semel::cli
