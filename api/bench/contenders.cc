// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/bench/contenders.h"

namespace semel::bench {
namespace {

// What a peer opens with; null where its library was not found when this was built.
using Open = decltype(ContenderKind::open);
#ifdef SEMEL_BENCH_SQLITE
constexpr Open kSqlite = [](const Place& place) { return OpenPeer("sqlite", place); };
constexpr Open kSqliteInbox = [](const Place& place) { return OpenPeer("sqlite_inbox", place); };
#else
constexpr Open kSqlite = nullptr, kSqliteInbox = nullptr;
#endif
#ifdef SEMEL_BENCH_ROCKSDB
constexpr Open kRocksdb = [](const Place& place) { return OpenPeer("rocksdb", place); };
#else
constexpr Open kRocksdb = nullptr;
#endif
#ifdef SEMEL_BENCH_POSTGRES
constexpr Open kPostgres = [](const Place& place) { return OpenPeer("postgres", place); };
#else
constexpr Open kPostgres = nullptr;
#endif
#ifdef SEMEL_BENCH_REDIS
constexpr Open kRedis = [](const Place& place) { return OpenPeer("redis", place); };
#else
constexpr Open kRedis = nullptr;
#endif

}  // namespace

const std::vector<ContenderKind>& AllContenders() {
  static const std::vector<ContenderKind> kinds = {
      {"semel", "Semel", "this engine: versions, history, journal, checkpoints", "", OpenSemel},
      {"bare_loop", "bare loop",
       "the limit: lookup, hashes, encode, check, write, sync; no outcomes, readers, checkpoints", "", OpenBareLoop},
      {"semel_dedup", "Semel, dedup table",
       "this engine with a dedup table instead of versions: a record for each message", "", OpenSemelDedupTable},
      {"lmdb", "LMDB", "LMDB, a transaction a batch, sorted by key; no history", "", OpenLmdb},
      {"lmdb_history", "LMDB, history", "the same with a history table", "", OpenLmdbHistory},
      {"sqlite", "SQLite", "SQLite, WAL, synchronous=FULL, version column", "libsqlite3", kSqlite},
      {"sqlite_inbox", "SQLite, inbox", "SQLite, WAL, synchronous=FULL, inbox table of message ids", "libsqlite3",
       kSqliteInbox},
      {"rocksdb", "RocksDB", "RocksDB, a synced write batch", "librocksdb", kRocksdb},
      {"postgres", "PostgreSQL", "PostgreSQL over a local socket, a transaction a batch, version column",
       "libpq and postgres", kPostgres},
      {"redis", "Redis", "Redis over a local socket, AOF synced always, a Lua script a batch",
       "libhiredis and redis-server", kRedis},
  };
  return kinds;
}

}  // namespace semel::bench
