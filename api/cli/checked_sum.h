// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#ifndef SEMEL_API_CLI_CHECKED_SUM_H_
#define SEMEL_API_CLI_CHECKED_SUM_H_

#include <limits>

#include "semel/change.h"

namespace semel::cli {

// *sum += amount. False, and nothing changed, if the result does not fit in 128 bits.
[[nodiscard]] inline bool AddTo(Amount* sum, Amount amount) {
  const bool fits = amount > 0 ? *sum <= std::numeric_limits<Amount>::max() - amount
                               : *sum >= std::numeric_limits<Amount>::min() - amount;
  if (fits) *sum += amount;
  return fits;
}

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_CHECKED_SUM_H_
