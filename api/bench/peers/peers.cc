// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/bench/peers/peers.h"

#include <string_view>
#include <utility>

extern "C" void SemelOpenPeer(const char* name, const semel::bench::Place& place,
                              semel::bench::OpenedContender* opened) {
  using namespace semel::bench;  // NOLINT
  static constexpr std::pair<std::string_view, decltype(ContenderKind::open)> kPeers[] = {
#ifdef SEMEL_BENCH_SQLITE
      {"sqlite", OpenSqlite},     {"sqlite_inbox", OpenSqliteInbox},
#endif
#ifdef SEMEL_BENCH_ROCKSDB
      {"rocksdb", OpenRocksdb},
#endif
#ifdef SEMEL_BENCH_POSTGRES
      {"postgres", OpenPostgres},
#endif
#ifdef SEMEL_BENCH_REDIS
      {"redis", OpenRedis},
#endif
  };
  for (const auto& [known, open] : kPeers) {
    if (known == name) *opened = open(place);
  }
}
