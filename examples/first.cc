// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include <iostream>

#include "semel/ledger.h"

int main() {
  semel::Options options;
  options.create_if_missing = true;
  auto ledger = semel::Ledger::Open("accounts", options).value();

  semel::Change deposit("deposit-1");  // the id names the intent; a retry keeps it
  deposit.AddUpdate("account/alice").ExpectVersion(0).Add(100);

  std::cout << ToString(ledger->Apply(deposit)->code) << "\n";  // APPLIED
  std::cout << ToString(ledger->Apply(deposit)->code) << "\n";  // DUPLICATE
  std::cout << "alice: " << ledger->Get("account/alice")->balance << "\n";
}
