// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Opens each kind of contender; the file of the same name says what it is.

#ifndef SEMEL_API_BENCH_CONTENDERS_H_
#define SEMEL_API_BENCH_CONTENDERS_H_

#include "api/bench/contender.h"

namespace semel::bench {

OpenedContender OpenSemel(const Place& place);
OpenedContender OpenSemelDedupTable(const Place& place);
OpenedContender OpenBareLoop(const Place& place);
OpenedContender OpenLmdb(const Place& place);
OpenedContender OpenLmdbHistory(const Place& place);

// One of those in peers/, by name, from the module that stands beside the running program, in ../bin or in
// ../lib/semel. Errors: NotFound (there is no module); as ContenderKind::open.
OpenedContender OpenPeer(const char* name, const Place& place);

}  // namespace semel::bench

#endif  // SEMEL_API_BENCH_CONTENDERS_H_
