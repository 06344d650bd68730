// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// trial-balance: for each asset, what all entities owe and own.

#include <fmt/format.h>

#include <map>
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

constexpr uint64_t kPageKeys = 10000;  // looked up in the past between two scans

struct TrialBalanceOptions {
  std::string ledger;
  std::string prefix;
  MomentArguments moment;
  Form form = Form::kTable;
};

// The entities of one asset.
struct Totals {
  uint64_t entities = 0;
  Amount negative = 0;  // the sum of the balances below zero; more than the least Amount, so that it can be negated
  Amount positive = 0;

  Amount debits() const { return -negative; }
  Amount sum() const { return positive + negative; }
};

struct TrialBalance {
  uint64_t lsn = 0;                      // the moment: the same figures come with --as-of-lsn
  std::map<std::string, Totals> assets;  // "": entities without one
};

// ---- Summing up

absl::Status Overflow(const std::string& asset) {
  return absl::OutOfRangeError(
      fmt::format("the balances of asset {} have a sum that does not fit in 128 bits; sum up fewer entities with "
                  "--prefix",
                  asset.empty() ? "-" : Printable(asset)));
}

absl::Status Count(const Entity& entity, TrialBalance* balance) {
  if (!entity.exists()) return absl::OkStatus();
  const std::string asset = entity.policy.asset.value_or("");
  Totals& totals = balance->assets[asset];
  ++totals.entities;
  const bool fits = AddTo(entity.balance < 0 ? &totals.negative : &totals.positive, entity.balance) &&
                    totals.negative != std::numeric_limits<Amount>::min();
  return fits ? absl::OkStatus() : Overflow(asset);
}

// One scan: all entities at one moment.
absl::StatusOr<TrialBalance> SumUp(const std::string& prefix, Ledger& ledger) {
  TrialBalance balance;
  absl::Status status;
  ScanOptions scan;
  scan.prefix = prefix;
  const absl::StatusOr<uint64_t> lsn = ledger.Scan(scan, [&](const Entity& entity) {
    status = Count(entity, &balance);
    return status.ok();
  });
  if (!status.ok()) return status;
  if (absl::IsAborted(lsn.status())) {
    return absl::AbortedError("these are too many entities to be read at one moment; name one with --as-of-lsn");
  }
  if (!lsn.ok()) return lsn.status();
  balance.lsn = *lsn;
  return balance;
}

// The next page of keys that exist now or did once: whatever existed in the past is among them.
absl::StatusOr<std::vector<std::string>> NextKeys(ScanOptions* scan, Ledger& ledger) {
  std::vector<std::string> keys;
  const absl::StatusOr<uint64_t> lsn = ledger.Scan(*scan, [&](const Entity& entity) {
    keys.push_back(entity.key);
    return true;
  });
  if (!lsn.ok()) return lsn.status();
  if (!keys.empty()) scan->start_after = keys.back();
  return keys;
}

// Page by page, each entity as of one moment of the past.
absl::StatusOr<TrialBalance> SumUpPast(const std::string& prefix, uint64_t lsn, Ledger& ledger) {
  TrialBalance balance;
  balance.lsn = lsn;
  ScanOptions scan;
  scan.prefix = prefix;
  scan.include_deleted = true;
  scan.limit = kPageKeys;
  while (true) {
    const absl::StatusOr<std::vector<std::string>> keys = NextKeys(&scan, ledger);
    if (!keys.ok()) return keys.status();
    if (keys->empty()) return balance;
    for (const std::string& key : *keys) {
      const absl::StatusOr<Entity> entity = ledger.Get(key, AsOf::Lsn(lsn));
      if (!entity.ok()) return entity.status();
      if (absl::Status status = Count(*entity, &balance); !status.ok()) return status;
    }
  }
}

absl::StatusOr<TrialBalance> Read(const TrialBalanceOptions& options, Ledger& ledger) {
  const absl::StatusOr<AsOf> as_of = ReadMoment(options.moment);
  if (!as_of.ok()) return as_of.status();
  if (as_of->lsn.has_value()) return SumUpPast(options.prefix, *as_of->lsn, ledger);
  if (!as_of->time_us.has_value()) return SumUp(options.prefix, ledger);
  const absl::StatusOr<uint64_t> lsn = ledger.LsnAtTime(*as_of->time_us);
  if (!lsn.ok()) return lsn.status();
  return SumUpPast(options.prefix, *lsn, ledger);
}

// ---- Printing

std::vector<std::string> Row(const std::string& asset, const Totals& totals) {
  return {asset, std::to_string(totals.entities), AmountToString(totals.debits()), AmountToString(totals.positive),
          AmountToString(totals.sum())};
}

void PrintTable(const TrialBalance& balance) {
  Table table({{"ASSET"},
               {"ENTITIES", Align::kRight},
               {"DEBITS", Align::kRight},
               {"CREDITS", Align::kRight},
               {"SUM", Align::kRight}});
  for (const auto& [asset, totals] : balance.assets) table.Add(Row(asset.empty() ? "-" : Printable(asset), totals));
  table.Flush();
  PrintLine(fmt::format("as of LSN {}", balance.lsn));
}

void PrintRecords(const TrialBalance& balance) {
  PrintCsv({"asset", "entities", "debits", "credits", "sum"});
  for (const auto& [asset, totals] : balance.assets) PrintCsv(Row(Printable(asset), totals));
}

void PrintObject(const TrialBalance& balance) {
  nlohmann::ordered_json object{{"lsn", std::to_string(balance.lsn)}};
  object["assets"] = nlohmann::ordered_json::array();
  for (const auto& [asset, totals] : balance.assets) {
    object["assets"].push_back({{"asset", asset},
                                {"entities", std::to_string(totals.entities)},
                                {"debits", AmountToString(totals.debits())},
                                {"credits", AmountToString(totals.positive)},
                                {"sum", AmountToString(totals.sum())}});
  }
  PrintLine(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

absl::Status PrintTrialBalance(const TrialBalanceOptions& options, Ledger& ledger) {
  const absl::StatusOr<TrialBalance> balance = Read(options, ledger);
  if (!balance.ok()) return balance.status();
  switch (options.form) {
    case Form::kTable:
      PrintTable(*balance);
      break;
    case Form::kCsv:
      PrintRecords(*balance);
      break;
    case Form::kJson:
      PrintObject(*balance);
      break;
  }
  return absl::OkStatus();
}

}  // namespace

void AddTrialBalance(CLI::App& app, int* exit) {
  CLI::App* const command =
      app.add_subcommand("trial-balance", "Sum up the balances of all entities, for each asset, at one moment");
  const auto options = std::make_shared<TrialBalanceOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->add_option("--prefix", options->prefix, "Only keys that begin so");
  AddMoment(command, &options->moment);
  AddForm(command, &options->form);
  command->footer(
      "Debits is the sum of the balances below zero, shown positive; credits of those above. Asset \"-\": entities\n"
      "without one. If every change is balanced, each sum is 0.\n\n"
      "Example:\n"
      "  semel trial-balance accounts\n"
      "  semel trial-balance accounts --prefix account/ --as-of-time 2026-12-01 --json");
  command->callback([options, exit] {
    *exit = WithLedger(options->ledger, [&](Ledger& ledger) { return PrintTrialBalance(*options, ledger); });
  });
}

}  // namespace semel::cli
