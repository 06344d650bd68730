// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// PostgreSQL: a cluster of our own behind a local socket, one transaction a batch. Updates go as arrays, one statement
// for each round of different keys (most batches need few), which is how a user who cares for speed sends them.
// shared_buffers is as large as the ledger's cache by default; everything else is as PostgreSQL has it.

#include <glob.h>
#include <libpq-fe.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "api/bench/batch.h"
#include "api/bench/peers/peers.h"
#include "api/bench/peers/server_process.h"
#include "engine/base/status_macros.h"

namespace semel::bench {
namespace {

constexpr char kUser[] = "postgres";  // the server refuses to run as root

constexpr char kSchema[] =
    "CREATE TABLE accounts(key text PRIMARY KEY, version bigint NOT NULL, balance bigint NOT NULL,"
    " last_id text NOT NULL, value bytea)";

#define SEMEL_BENCH_ROWS "unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[])"
constexpr char kCreate[] = "INSERT INTO accounts SELECT key, 1, amount, id, value FROM " SEMEL_BENCH_ROWS
                           " AS c(key, version, amount, id, value) ON CONFLICT DO NOTHING";
constexpr char kCompareAndSet[] =
    "UPDATE accounts a SET version = a.version + 1, balance = a.balance + c.amount, last_id = c.id,"
    " value = coalesce(c.value, a.value) FROM " SEMEL_BENCH_ROWS
    " AS c(key, version, amount, id, value) WHERE a.key = c.key AND a.version = c.version";
#undef SEMEL_BENCH_ROWS

class Result {
 public:
  explicit Result(PGresult* result) : result_(result) {}
  ~Result() { PQclear(result_); }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;

  absl::Status status() const {
    const ExecStatusType code = PQresultStatus(result_);
    if (code == PGRES_COMMAND_OK || code == PGRES_TUPLES_OK) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("PostgreSQL: ", PQresultErrorMessage(result_)));
  }
  uint64_t rows_changed() const { return std::strtoull(PQcmdTuples(result_), nullptr, 10); }
  const char* cell(int column) const { return PQgetvalue(result_, 0, column); }

 private:
  PGresult* const result_;
};

// Some rows of different keys, as literals of arrays.
class Rows {
 public:
  void Clear() {
    for (std::string& array : arrays_) array.clear();
  }

  void Add(const Step& step) {
    Append(0, step.update->key);
    Append(1, std::to_string(*step.update->expect_version));
    Append(2, std::to_string(static_cast<int64_t>(step.update->amount)));
    Append(3, step.change->id);
    const bool puts = step.update->action == Action::kPut;
    Append(4, puts ? "\"\\\\x" + absl::BytesToHexString(step.update->value) + '"' : "NULL");
  }

  bool empty() const { return arrays_[0].empty(); }

  absl::StatusOr<uint64_t> Run(PGconn* connection, const char* statement) {
    const char* values[kColumns];
    for (int i = 0; i < kColumns; ++i) {
      arrays_[i] += '}';
      values[i] = arrays_[i].c_str();
    }
    const Result result(PQexecPrepared(connection, statement, kColumns, values, nullptr, nullptr, 0));
    SEMEL_RETURN_IF_ERROR(result.status());
    return result.rows_changed();
  }

 private:
  static constexpr int kColumns = 5;

  void Append(int column, std::string_view element) {
    arrays_[column] += arrays_[column].empty() ? '{' : ',';
    arrays_[column] += element;
  }

  std::string arrays_[kColumns];
};

class PostgresSession final : public Session {
 public:
  static absl::StatusOr<std::unique_ptr<PostgresSession>> Open(const std::string& conninfo) {
    auto session = std::make_unique<PostgresSession>(PQconnectdb(conninfo.c_str()));
    if (PQstatus(session->connection_) != CONNECTION_OK) {
      return absl::UnavailableError(PQerrorMessage(session->connection_));
    }
    return session;
  }

  explicit PostgresSession(PGconn* connection) : connection_(connection) {}
  ~PostgresSession() override { PQfinish(connection_); }

  absl::Status Execute(const char* sql) { return Result(PQexec(connection_, sql)).status(); }

  absl::Status Prepare() {
    SEMEL_RETURN_IF_ERROR(Result(PQprepare(connection_, "create", kCreate, 0, nullptr)).status());
    return Result(PQprepare(connection_, "compare_and_set", kCompareAndSet, 0, nullptr)).status();
  }

  absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) override {
    const size_t rounds = ListRounds(changes);
    if (rounds == 1) return RunRound(&rounds_[0]);  // a transaction of its own
    SEMEL_RETURN_IF_ERROR(Execute("BEGIN"));
    uint64_t applied = 0;
    for (size_t i = 0; i < rounds; ++i) {
      SEMEL_ASSIGN_OR_RETURN(const uint64_t changed, RunRound(&rounds_[i]));
      applied += changed;
    }
    SEMEL_RETURN_IF_ERROR(Execute("COMMIT"));
    return applied;
  }

  absl::StatusOr<Totals> Sum() {
    const Result result(
        PQexec(connection_, "SELECT coalesce(sum(version), 0), coalesce(sum(balance), 0) FROM accounts"));
    SEMEL_RETURN_IF_ERROR(result.status());
    return Totals{std::strtoull(result.cell(0), nullptr, 10), std::strtoll(result.cell(1), nullptr, 10)};
  }

 private:
  struct Round {
    Rows created;
    Rows updated;
  };

  // Puts the n-th update of each key into the n-th round. Returns how many there are.
  size_t ListRounds(absl::Span<const Change> changes) {
    ListSteps(changes, &steps_);
    seen_.clear();
    size_t rounds = 1;
    for (Round& round : rounds_) {
      round.created.Clear();
      round.updated.Clear();
    }
    for (const Step& step : steps_) {
      const size_t round = seen_[step.update->key]++;
      rounds = std::max(rounds, round + 1);
      if (rounds_.size() < rounds) rounds_.resize(rounds);
      (*step.update->expect_version == 0 ? rounds_[round].created : rounds_[round].updated).Add(step);
    }
    return rounds;
  }

  absl::StatusOr<uint64_t> RunRound(Round* round) {
    uint64_t applied = 0;
    if (!round->created.empty()) {
      SEMEL_ASSIGN_OR_RETURN(applied, round->created.Run(connection_, "create"));
    }
    if (!round->updated.empty()) {
      SEMEL_ASSIGN_OR_RETURN(const uint64_t updated, round->updated.Run(connection_, "compare_and_set"));
      applied += updated;
    }
    return applied;
  }

  PGconn* const connection_;
  std::vector<Step> steps_;
  std::vector<Round> rounds_ = std::vector<Round>(1);
  absl::flat_hash_map<std::string, size_t> seen_;
};

// Where distributions put the server's programs, oldest version first.
std::vector<std::string> ProgramDirectories() {
  std::vector<std::string> directories;
  glob_t found = {};
  if (glob("/usr/lib/postgresql/*/bin", 0, nullptr, &found) == 0) {
    directories.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return directories;
}

class PostgresContender final : public Contender {
 public:
  static OpenedContender Open(const Place& place) {
    SEMEL_ASSIGN_OR_RETURN(const std::string initdb, FindProgram("initdb", ProgramDirectories()));
    SEMEL_ASSIGN_OR_RETURN(const std::string postgres, FindProgram("postgres", ProgramDirectories()));
    auto contender = std::make_unique<PostgresContender>();
    const std::string& sockets = contender->sockets_.path();
    SEMEL_RETURN_IF_ERROR(GiveTo(kUser, place.directory));
    SEMEL_RETURN_IF_ERROR(GiveTo(kUser, sockets));
    const std::string data = place.directory + "/cluster";
    const std::string log = sockets + "/log";
    SEMEL_RETURN_IF_ERROR(RunProgram(
        {{initdb, "-D", data, "-U", "semel", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"}, log, kUser}));
    std::vector<std::string> arguments = {postgres, "-D", data, "-k", sockets, "-h", "", "-c", "shared_buffers=256MB"};
    if (place.durability == Durability::kNone) {
      arguments.insert(arguments.end(), {"-c", "fsync=off", "-c", "synchronous_commit=off"});
    }
    const auto ready = [&] { return PQping(contender->ConnInfo().c_str()) == PQPING_OK; };
    SEMEL_ASSIGN_OR_RETURN(contender->server_, ServerProcess::Start({arguments, log, kUser}, ready));
    SEMEL_ASSIGN_OR_RETURN(contender->session_, PostgresSession::Open(contender->ConnInfo()));
    SEMEL_RETURN_IF_ERROR(contender->session_->Execute(kSchema));
    return contender;
  }

  absl::StatusOr<std::unique_ptr<Session>> NewSession() override {
    SEMEL_ASSIGN_OR_RETURN(auto session, PostgresSession::Open(ConnInfo()));
    SEMEL_RETURN_IF_ERROR(session->Prepare());
    return session;
  }

  absl::StatusOr<Totals> Sum() override { return session_->Sum(); }

 private:
  std::string ConnInfo() const { return absl::StrCat("host=", sockets_.path(), " user=semel dbname=postgres"); }

  const SocketDirectory sockets_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<PostgresSession> session_;  // for what no caller asks
};

}  // namespace

OpenedContender OpenPostgres(const Place& place) { return PostgresContender::Open(place); }

}  // namespace semel::bench
