// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The version of the library (semantic versioning) and of the file format that it writes.

#ifndef SEMEL_VERSION_H_
#define SEMEL_VERSION_H_

#define SEMEL_VERSION_MAJOR 0
#define SEMEL_VERSION_MINOR 1
#define SEMEL_VERSION_PATCH 0
#define SEMEL_VERSION "0.1.0"

namespace semel {

// The format of the files that this library creates. A ledger of another format is refused at open
// with FailedPrecondition and not touched.
inline constexpr int kFormatVersion = 1;

}  // namespace semel

#endif  // SEMEL_VERSION_H_
