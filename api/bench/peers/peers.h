// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The contenders that need a library of their own, in a module that is loaded when one of them is wanted: two of those
// libraries would make every start of the semel command three times as long. Those whose library was not found are not
// defined.

#ifndef SEMEL_API_BENCH_PEERS_PEERS_H_
#define SEMEL_API_BENCH_PEERS_PEERS_H_

#include "api/bench/contender.h"

namespace semel::bench {

OpenedContender OpenSqlite(const Place& place);
OpenedContender OpenSqliteInbox(const Place& place);
OpenedContender OpenRocksdb(const Place& place);
OpenedContender OpenPostgres(const Place& place);
OpenedContender OpenRedis(const Place& place);

}  // namespace semel::bench

// What the module exports: opens the contender of this name, which is in it.
extern "C" void SemelOpenPeer(const char* name, const semel::bench::Place& place,
                              semel::bench::OpenedContender* opened);

#endif  // SEMEL_API_BENCH_PEERS_PEERS_H_
