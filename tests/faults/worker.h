// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A child process that lives through a script, and the driver's side of it.
//
//   const Ended ended = InChild([&] { return Live(script, plan); });
//   ASSERT_EQ(ended.fault, "");

#ifndef SEMEL_TESTS_FAULTS_WORKER_H_
#define SEMEL_TESTS_FAULTS_WORKER_H_

#include <functional>
#include <string>

#include "tests/faults/interpose.h"
#include "tests/faults/script.h"

namespace semel::testing {

// How a child ended.
struct Ended {
  bool by_kill = false;        // its own, planned
  bool finished = false;       // did all that it was to do
  bool out_of_memory = false;  // ended itself, and said so
  std::string fault;           // what is wrong: what it reported, or how it crashed; empty: nothing
};

// Runs `work` in a fork. True: finished; false: ended by an error that the plan explains. What it finds wrong it says
// with Report.
Ended InChild(const std::function<bool()>& work);

// In a child: says what is wrong and ends it.
[[noreturn]] void Report(const std::string& fault);

// In a child: plays `script` from its beginning on the ledger in `root`/ledger, under `plan`, acknowledges every
// outcome in the shared memory, and judges it by what was acknowledged before. After an error that did not poison the
// ledger the call is made again, a few times. After one that did, every later call must return the same. False: an
// error ended it.
bool Live(const Script& script, const FaultPlan& plan);

// In a child, without faults: opens the ledger in `root`/ledger, looks whether it is whole, sends everything again, and
// compares what comes of it.
void ExpectRecovers(const Script& script, const std::string& root);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_FAULTS_WORKER_H_
