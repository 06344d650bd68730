// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The deciding options as users give and see them.

#ifndef SEMEL_ENGINE_LEDGER_DECIDING_OPTIONS_H_
#define SEMEL_ENGINE_LEDGER_DECIDING_OPTIONS_H_

#include "engine/rules/classify.h"
#include "semel/options.h"

namespace semel::internal {

// What is asked for; what is not, as it is.
DecidingOptions Merge(const Options& asked, DecidingOptions present);

Options ToOptions(const DecidingOptions& deciding);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_LEDGER_DECIDING_OPTIONS_H_
