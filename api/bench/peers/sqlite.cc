// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// SQLite with a write-ahead log and synchronous=FULL: one transaction a batch, sorted by key, with prepared statements.
// Either each account has a version column that an update compares, or an inbox table has a row for each message,
// and the accounts are added to without a precondition. Its page cache is as large as the ledger's cache by default.

#include <sqlite3.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/bench/batch.h"
#include "api/bench/peers/peers.h"
#include "engine/base/status_macros.h"

namespace semel::bench {
namespace {

enum class Style { kVersion, kInbox };

constexpr char kSchema[] =
    "CREATE TABLE IF NOT EXISTS accounts(key TEXT PRIMARY KEY, version INTEGER NOT NULL, balance INTEGER NOT NULL,"
    "  last_id TEXT NOT NULL, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS inbox(id TEXT PRIMARY KEY) WITHOUT ROWID;";

// ?1 key, ?2 balance to add, ?3 id, ?4 value, ?5 expected version.
constexpr char kCreate[] = "INSERT INTO accounts VALUES(?1, 1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
constexpr char kCompareAndSet[] =
    "UPDATE accounts SET version = version + 1, balance = balance + ?2, last_id = ?3, value = ifnull(?4, value)"
    " WHERE key = ?1 AND version = ?5";
constexpr char kAdd[] =
    "INSERT INTO accounts VALUES(?1, 1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET version = version + 1,"
    " balance = balance + excluded.balance, last_id = excluded.last_id, value = ifnull(excluded.value, value)";
constexpr char kReceive[] = "INSERT INTO inbox VALUES(?1) ON CONFLICT DO NOTHING";

// A connection.
class Database {
 public:
  ~Database() { sqlite3_close_v2(handle_); }

  absl::Status Open(const Place& place) {
    SEMEL_RETURN_IF_ERROR(Check(sqlite3_open((place.directory + "/accounts.db").c_str(), &handle_)));
    sqlite3_busy_timeout(handle_, 60'000);
    SEMEL_RETURN_IF_ERROR(Execute("PRAGMA journal_mode = WAL; PRAGMA cache_size = -262144"));
    return Execute(place.durability == Durability::kSynced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF");
  }

  absl::Status Execute(const char* sql) { return Check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }

  absl::Status Check(int rc) const {
    const bool good = rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW;
    return good ? absl::OkStatus() : absl::InternalError(absl::StrCat("SQLite: ", sqlite3_errmsg(handle_)));
  }

  sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

class Statement {
 public:
  ~Statement() { sqlite3_finalize(statement_); }

  absl::Status Prepare(const Database& database, const char* sql) {
    return database.Check(sqlite3_prepare_v2(database.handle(), sql, -1, &statement_, nullptr));
  }
  void BindText(int at, std::string_view text) {
    sqlite3_bind_text(statement_, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }
  void BindBlob(int at, std::string_view bytes) {
    sqlite3_bind_blob(statement_, at, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
  }
  void BindNumber(int at, int64_t number) { sqlite3_bind_int64(statement_, at, number); }

  // Runs it with what was bound, which is then forgotten. Returns how many rows were changed.
  absl::StatusOr<int> Run(const Database& database) {
    const absl::Status status = database.Check(sqlite3_step(statement_));
    const int changed = sqlite3_changes(database.handle());
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    if (!status.ok()) return status;
    return changed;
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

class SqliteSession final : public Session {
 public:
  static absl::StatusOr<std::unique_ptr<Session>> Open(const Place& place, Style style) {
    auto session = std::make_unique<SqliteSession>(style);
    SEMEL_RETURN_IF_ERROR(session->database_.Open(place));
    SEMEL_RETURN_IF_ERROR(session->create_.Prepare(session->database_, kCreate));
    SEMEL_RETURN_IF_ERROR(session->compare_and_set_.Prepare(session->database_, kCompareAndSet));
    SEMEL_RETURN_IF_ERROR(session->add_.Prepare(session->database_, kAdd));
    SEMEL_RETURN_IF_ERROR(session->receive_.Prepare(session->database_, kReceive));
    return session;
  }

  explicit SqliteSession(Style style) : style_(style) {}

  absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) override {
    SEMEL_RETURN_IF_ERROR(database_.Execute("BEGIN IMMEDIATE"));
    if (style_ == Style::kInbox) {
      SEMEL_RETURN_IF_ERROR(ListNew(changes));
    } else {
      ListStepsByKey(changes, &steps_);
    }
    uint64_t applied = 0;
    for (const Step& step : steps_) {
      SEMEL_ASSIGN_OR_RETURN(const int changed, ApplyStep(step));
      applied += static_cast<uint64_t>(changed);
    }
    SEMEL_RETURN_IF_ERROR(database_.Execute("COMMIT"));
    return applied;
  }

 private:
  // The updates of those changes that were never received.
  absl::Status ListNew(absl::Span<const Change> changes) {
    new_.clear();
    for (const Change& change : changes) {
      receive_.BindText(1, change.id);
      SEMEL_ASSIGN_OR_RETURN(const int inserted, receive_.Run(database_));
      if (inserted == 1) new_.push_back(change);
    }
    ListStepsByKey(new_, &steps_);
    return absl::OkStatus();
  }

  absl::StatusOr<int> ApplyStep(const Step& step) {
    const uint64_t expected = *step.update->expect_version;
    Statement& statement = style_ == Style::kInbox ? add_ : expected == 0 ? create_ : compare_and_set_;
    statement.BindText(1, step.update->key);
    statement.BindNumber(2, static_cast<int64_t>(step.update->amount));
    statement.BindText(3, step.change->id);
    if (step.update->action == Action::kPut) statement.BindBlob(4, step.update->value);
    if (&statement == &compare_and_set_) statement.BindNumber(5, static_cast<int64_t>(expected));
    return statement.Run(database_);
  }

  const Style style_;
  Database database_;
  Statement create_;
  Statement compare_and_set_;
  Statement add_;
  Statement receive_;
  std::vector<Change> new_;
  std::vector<Step> steps_;
};

class SqliteContender final : public Contender {
 public:
  static OpenedContender Open(const Place& place, Style style) {
    auto contender = std::make_unique<SqliteContender>(place, style);
    SEMEL_RETURN_IF_ERROR(contender->database_.Open(place));
    SEMEL_RETURN_IF_ERROR(contender->database_.Execute(kSchema));
    return contender;
  }

  SqliteContender(const Place& place, Style style) : place_(place), style_(style) {}

  absl::StatusOr<std::unique_ptr<Session>> NewSession() override { return SqliteSession::Open(place_, style_); }

  absl::StatusOr<Totals> Sum() override {
    Totals totals;
    const auto add = [](void* to, int, char** columns, char**) {
      static_cast<Totals*>(to)->versions = std::strtoull(columns[0], nullptr, 10);
      static_cast<Totals*>(to)->balance = std::strtoll(columns[1], nullptr, 10);
      return 0;
    };
    SEMEL_RETURN_IF_ERROR(database_.Check(
        sqlite3_exec(database_.handle(), "SELECT ifnull(sum(version), 0), ifnull(sum(balance), 0) FROM accounts", add,
                     &totals, nullptr)));
    return totals;
  }

 private:
  const Place place_;
  const Style style_;
  Database database_;
};

}  // namespace

OpenedContender OpenSqlite(const Place& place) { return SqliteContender::Open(place, Style::kVersion); }
OpenedContender OpenSqliteInbox(const Place& place) { return SqliteContender::Open(place, Style::kInbox); }

}  // namespace semel::bench
