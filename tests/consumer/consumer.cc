// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <iostream>

#include "semel/ledger.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  semel::Options options;
  options.create_if_missing = true;
  auto ledger = semel::Ledger::Open(argv[1], options).value();
  semel::Change change("c-1");
  change.AddUpdate("counter").ExpectVersion(0).Add(42);
  const semel::Outcome first = ledger->Apply(change).value();
  const semel::Outcome second = ledger->Apply(change).value();
  const semel::Amount balance = ledger->Get("counter").value().balance;
  std::cout << ToString(first.code) << " " << ToString(second.code) << " " << balance << "\n";
  return ledger->Close().ok() ? 0 : 1;
}
