// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What one writes with PostgreSQL: an inbox table of message ids beside the balances, both changed in one transaction a
// batch, then acknowledged. Everything in sets: one statement inserts the ids that are new, one adds up the balances.
// For throughput.py.
//
//   inbox_consumer CONNECTION URL BATCH    until the end of what is there

#include <libpq-fe.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "api/streams/open.h"

namespace semel::streams {
namespace {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

void Check(PGconn* connection, bool ok) {
  if (ok) return;
  std::cerr << PQerrorMessage(connection);
  std::exit(1);
}

Result Execute(PGconn* connection, const std::string& sql) {
  Result result(PQexec(connection, sql.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  Check(connection, status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
  return result;
}

// The ids that were not in the inbox before. A batch may name one twice.
std::set<std::string> InsertNew(PGconn* connection, const std::vector<Change>& changes) {
  std::string sql = "INSERT INTO inbox (id) VALUES ";
  for (const Change& change : changes) sql += "('" + change.id + "'),";
  sql.back() = ' ';
  const Result result = Execute(connection, sql + "ON CONFLICT DO NOTHING RETURNING id");
  std::set<std::string> fresh;
  for (int i = 0; i < PQntuples(result.get()); ++i) fresh.insert(PQgetvalue(result.get(), i, 0));
  return fresh;
}

void ApplyBatch(PGconn* connection, const std::vector<Change>& changes) {
  Execute(connection, "BEGIN");
  std::set<std::string> fresh = InsertNew(connection, changes);
  std::map<std::string, int64_t> sums;
  for (const Change& change : changes) {
    if (fresh.erase(change.id) == 0) continue;
    for (const Update& update : change.updates) sums[update.key] += static_cast<int64_t>(update.amount);
  }
  if (!sums.empty()) {
    std::string sql = "INSERT INTO balances (key, balance) VALUES ";
    for (const auto& [key, sum] : sums) sql += "('" + key + "'," + std::to_string(sum) + "),";
    sql.back() = ' ';
    Execute(connection, sql + "ON CONFLICT (key) DO UPDATE SET balance = balances.balance + excluded.balance");
  }
  Execute(connection, "COMMIT");
}

absl::Status Consume(PGconn* connection, const Url& url, size_t batch) {
  const Cursors nothing = [](std::string_view) -> absl::StatusOr<std::optional<SourceCursor>> { return std::nullopt; };
  auto consumer = OpenConsumer(url, nothing);
  if (!consumer.ok()) return consumer.status();
  std::optional<std::chrono::steady_clock::time_point> first;
  double active = 0;
  size_t count = 0;
  while (true) {
    auto messages = (*consumer)->Poll(batch, std::chrono::milliseconds(200));
    if (!messages.ok()) return messages.status();
    if (messages->empty()) {
      const auto end = (*consumer)->AtEnd();
      if (!end.ok()) return end.status();
      if (!*end) continue;
      std::cout << "{\"messages\":" << count << ",\"active_seconds\":" << active << "}\n";
      return absl::OkStatus();
    }
    if (!first.has_value()) first = std::chrono::steady_clock::now();
    std::vector<Change> changes;
    for (const Message& message : *messages) {
      auto change = ParseChangeJson(message.bytes);
      if (!change.ok()) return change.status();
      changes.push_back(*std::move(change));
    }
    count += changes.size();
    ApplyBatch(connection, changes);
    for (const Message& message : *messages) {
      if (const auto settled = (*consumer)->Settle(message, Settlement::kAck); !settled.ok()) return settled;
    }
    if (const auto committed = (*consumer)->Commit(); !committed.ok()) return committed;
    active = std::chrono::duration<double>(std::chrono::steady_clock::now() - *first).count();
  }
}

}  // namespace
}  // namespace semel::streams

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  PGconn* const connection = PQconnectdb(argv[1]);
  semel::streams::Check(connection, PQstatus(connection) == CONNECTION_OK);
  semel::streams::Execute(connection, "CREATE TABLE IF NOT EXISTS inbox (id text PRIMARY KEY)");
  semel::streams::Execute(connection, "CREATE TABLE IF NOT EXISTS balances (key text PRIMARY KEY, balance bigint)");
  const auto url = semel::streams::ParseUrl(argv[2]);
  const absl::Status status =
      url.ok() ? semel::streams::Consume(connection, *url, static_cast<size_t>(std::atoi(argv[3]))) : url.status();
  if (!status.ok()) std::cerr << status << "\n";
  PQfinish(connection);
  return status.ok() ? 0 : 1;
}
