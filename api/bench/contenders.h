// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Opens each kind of contender; the file of the same name says what it is. Those of a library are defined only where
// that library was found.

#ifndef SEMEL_API_BENCH_CONTENDERS_H_
#define SEMEL_API_BENCH_CONTENDERS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "api/bench/contender.h"

namespace semel::bench {

using OpenedContender = absl::StatusOr<std::unique_ptr<Contender>>;

OpenedContender OpenSemel(const Place& place);
OpenedContender OpenSemelDedupTable(const Place& place);
OpenedContender OpenBareLoop(const Place& place);
OpenedContender OpenLmdb(const Place& place);
OpenedContender OpenLmdbHistory(const Place& place);
OpenedContender OpenSqlite(const Place& place);
OpenedContender OpenSqliteInbox(const Place& place);
OpenedContender OpenRocksdb(const Place& place);
OpenedContender OpenPostgres(const Place& place);
OpenedContender OpenRedis(const Place& place);

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_CONTENDERS_H_
