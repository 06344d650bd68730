// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A look at an LMDB file without LMDB. LMDB trusts its file: it has no checksums, follows every page number, and a
// damaged or truncated file ends the process that embeds it. So before LMDB touches a page, all that it will follow is
// read here (with pread, never through a map) and checked: page headers, node bounds, key order, page numbers, the list
// of free pages. What the records say is not looked at: they carry checks of their own.

#ifndef SEMEL_ENGINE_STATE_LMDB_PAGES_H_
#define SEMEL_ENGINE_STATE_LMDB_PAGES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semel::internal {

// The root of a tree, as meta pages and the main tree keep it.
struct LmdbTree {
  uint16_t flags = 0;
  uint16_t depth = 0;
  uint64_t entries = 0;
  uint64_t root = 0;
};

// One of the two meta pages.
struct LmdbMeta {
  uint64_t transaction = 0;
  uint64_t last_page = 0;
  LmdbTree free_pages;
  LmdbTree main;
};

struct LmdbMetaPages {
  uint32_t page_bytes = 0;
  uint64_t file_pages = 0;
  LmdbMeta newest;
  LmdbMeta older;
};

// Reads and checks both meta pages. Safe beside a writer in another process. Errors: DataLoss; those of reading.
absl::StatusOr<LmdbMetaPages> ReadLmdbMetaPages(int fd);

// Checks every page that `meta` leads to, which must be kept by a transaction meanwhile. O(pages). Errors: DataLoss,
// naming the first bad page; those of reading.
absl::Status CheckLmdbPages(int fd, const LmdbMetaPages& pages, const LmdbMeta& meta);

// The data of `key` in the named tree `table` under `meta`; both the main tree and this one must consist of a single
// page. Errors: DataLoss; those of reading.
absl::StatusOr<std::string> FindInSmallLmdbTree(int fd, const LmdbMetaPages& pages, const LmdbMeta& meta,
                                                std::string_view table, std::string_view key);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_LMDB_PAGES_H_
