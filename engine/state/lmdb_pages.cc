// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The file format of LMDB 0.9 on 64-bit little-endian machines, as far as this project's environments use it (no
// duplicates, no fixed map). Offsets in bytes; all numbers little-endian.
//
//   page header  0 page number 8, 8 padding 2, 10 flags 2; then 12 lower 2, 14 upper 2, but of an overflow run 12 pages
//   4 meta page    16 magic 4, 20 version 4, 24 address 8, 32 map size 8, 40 tree of free pages, 88 main tree,
//                136 last page 8, 144 transaction 8
//   tree         0 padding 4 (of the free pages: page size), 4 flags 2, 6 depth 2, 8 branch pages, 16 leaf pages,
//                24 overflow pages, 32 entries, 40 root page
//   branch, leaf 16 offsets of nodes, 2 each, in key order, up to `lower`; the nodes fill the page from `upper` on
//   branch node  0 child page 6, 6 key size 2, 8 key (of the first node meaningless)
//   leaf node    0 data size 4, 4 flags 2, 6 key size 2, 8 key, data; of a "big" node the number of the first page of
//                an overflow run, which has a page header and then the data
//   free pages   key: transaction 8; data: count 8, page numbers descending 8 each, perhaps more bytes
//
// Pages 0 and 1 are the meta pages; transaction t wrote page t & 1.

#include "engine/state/lmdb_pages.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"

namespace semel::internal {
namespace {

constexpr size_t kPageHeaderBytes = 16;
constexpr size_t kMetaBytes = 152;
constexpr size_t kTreeBytes = 48;
constexpr size_t kNodeHeaderBytes = 8;
constexpr uint32_t kMagic = 0xBEEFC0DE;
constexpr uint32_t kDataVersion = 1;
constexpr uint32_t kPageBytesMin = 512;
constexpr uint32_t kPageBytesMax = 32768;
constexpr uint64_t kMetaPageCount = 2;
constexpr uint64_t kNoPage = ~uint64_t{0};
constexpr uint16_t kDepthMax = 32;  // of LMDB's cursors
constexpr uint16_t kIntegerKeys = 0x08;

// Pages at the end of the file that were allotted and freed in one transaction are never written; more than this is
// damage.
constexpr uint64_t kUnwrittenPagesMax = uint64_t{1} << 16;

enum PageFlag : uint16_t { kBranch = 0x01, kLeaf = 0x02, kOverflow = 0x04, kMetaPage = 0x08 };
enum NodeFlag : uint16_t { kBigData = 0x01, kSubTree = 0x02 };
enum class TreeKind { kFreePages, kMain, kTable };

uint16_t Get16(std::string_view bytes, size_t offset) {
  uint16_t v;
  std::memcpy(&v, bytes.data() + offset, sizeof v);
  return v;
}
uint32_t Get32(std::string_view bytes, size_t offset) { return GetFixed32(bytes.data() + offset); }
uint64_t Get64(std::string_view bytes, size_t offset) { return GetFixed64(bytes.data() + offset); }

absl::Status Damaged(uint64_t page, const char* why) {
  return absl::DataLossError(absl::StrCat("the state file is damaged: page ", page, ": ", why));
}

// Reads exactly `size` bytes.
absl::Status ReadAt(int fd, uint64_t offset, size_t size, std::string* out) {
  out->resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(fd, out->data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "reading the state file");
    if (got == 0) return absl::DataLossError("the state file is shorter than its pages say");
    done += static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

LmdbTree ParseTree(std::string_view bytes) {
  return {Get16(bytes, 4), Get16(bytes, 6), Get64(bytes, 32), Get64(bytes, 40)};
}

// ---- Meta pages

absl::StatusOr<LmdbMeta> ParseMeta(std::string_view page, uint64_t number, uint32_t page_bytes) {
  if (Get64(page, 0) != number || Get16(page, 10) != kMetaPage) return Damaged(number, "not a meta page");
  if (Get32(page, 16) != kMagic) return Damaged(number, "wrong magic number");
  if (Get32(page, 20) != kDataVersion) return Damaged(number, "unknown LMDB version");
  if (Get64(page, 24) != 0 || Get32(page, 40) != page_bytes) return Damaged(number, "meta pages contradict each other");
  const LmdbMeta meta{Get64(page, 144), Get64(page, 136), ParseTree(page.substr(40)), ParseTree(page.substr(88))};
  if (meta.free_pages.flags != kIntegerKeys || meta.main.flags != 0) return Damaged(number, "unknown kind of tree");
  if (meta.transaction != 0 && (meta.transaction & 1) != number) return Damaged(number, "impossible transaction");
  return meta;
}

absl::StatusOr<uint64_t> FileBytes(int fd) {
  struct stat found;
  if (fstat(fd, &found) != 0) return absl::ErrnoToStatus(errno, "reading the state file");
  return static_cast<uint64_t>(found.st_size);
}

absl::StatusOr<LmdbMetaPages> TryReadMetaPages(int fd) {
  std::string first;
  std::string second;
  SEMEL_RETURN_IF_ERROR(ReadAt(fd, 0, kMetaBytes, &first));
  LmdbMetaPages pages;
  pages.page_bytes = Get32(first, 40);
  const bool power_of_two = (pages.page_bytes & (pages.page_bytes - 1)) == 0;
  if (pages.page_bytes < kPageBytesMin || pages.page_bytes > kPageBytesMax || !power_of_two) {
    return Damaged(0, "impossible page size");
  }
  SEMEL_RETURN_IF_ERROR(ReadAt(fd, pages.page_bytes, kMetaBytes, &second));
  SEMEL_ASSIGN_OR_RETURN(pages.newest, ParseMeta(first, 0, pages.page_bytes));
  SEMEL_ASSIGN_OR_RETURN(pages.older, ParseMeta(second, 1, pages.page_bytes));
  if (pages.newest.transaction < pages.older.transaction) std::swap(pages.newest, pages.older);
  if (pages.newest.transaction != pages.older.transaction + 1) return Damaged(0, "meta pages do not follow each other");
  SEMEL_ASSIGN_OR_RETURN(const uint64_t file_bytes, FileBytes(fd));
  pages.file_pages = file_bytes / pages.page_bytes;
  const uint64_t last_page = std::max(pages.newest.last_page, pages.older.last_page);
  if (last_page >= pages.file_pages + kUnwrittenPagesMax) {
    return absl::DataLossError(absl::StrCat("the state file has ", pages.file_pages, " pages, its meta pages claim ",
                                            last_page, ": it was cut off"));
  }
  return pages;
}

// ---- Branch and leaf pages

struct Node {
  std::string_view key;
  uint64_t child = 0;        // of a branch
  uint16_t flags = 0;        // of a leaf
  uint32_t data_bytes = 0;   // of a leaf
  std::string_view in_page;  // of a leaf: the data, or the page number of big data
};

// A branch or leaf page whose header and nodes are right.
class Page {
 public:
  // Reads page `number` and checks all that does not depend on other pages.
  absl::Status Read(int fd, const LmdbMetaPages& pages, uint64_t number);

  uint64_t number() const { return number_; }
  bool is_leaf() const { return flags_ == kLeaf; }
  size_t size() const { return nodes_.size(); }
  const Node& node(size_t i) const { return nodes_[i]; }

 private:
  absl::Status ReadNodes(size_t lower, size_t upper);
  bool ParseNode(size_t offset, Node* node) const;

  uint64_t number_ = 0;
  uint16_t flags_ = 0;
  std::string bytes_;
  std::vector<Node> nodes_;  // point into bytes_
};

absl::Status Page::Read(int fd, const LmdbMetaPages& pages, uint64_t number) {
  number_ = number;
  if (number >= pages.file_pages) return Damaged(number, "missing: the file was cut off");
  SEMEL_RETURN_IF_ERROR(ReadAt(fd, number * pages.page_bytes, pages.page_bytes, &bytes_));
  flags_ = Get16(bytes_, 10);
  const size_t lower = Get16(bytes_, 12);
  const size_t upper = Get16(bytes_, 14);
  if (Get64(bytes_, 0) != number) return Damaged(number, "carries another number");
  if (flags_ != kBranch && flags_ != kLeaf) return Damaged(number, "neither branch nor leaf");
  if (lower <= kPageHeaderBytes || lower % 2 != 0 || lower > upper || upper > bytes_.size()) {
    return Damaged(number, "impossible bounds");
  }
  return ReadNodes(lower, upper);
}

// The nodes must lie between `upper` and the end and fill it: LMDB moves bytes by what they say.
absl::Status Page::ReadNodes(size_t lower, size_t upper) {
  const size_t count = (lower - kPageHeaderBytes) / 2;
  nodes_.reserve(count);
  size_t filled = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t offset = Get16(bytes_, kPageHeaderBytes + 2 * i);
    Node& node = nodes_.emplace_back();
    if (offset < upper || !ParseNode(offset, &node)) return Damaged(number_, "a node lies outside");
    const size_t node_bytes = kNodeHeaderBytes + node.key.size() + node.in_page.size();
    filled += node_bytes + node_bytes % 2;
  }
  return filled == bytes_.size() - upper ? absl::OkStatus() : Damaged(number_, "its nodes do not fill it");
}

// False if the node does not lie in the page.
bool Page::ParseNode(size_t offset, Node* node) const {
  if (offset % 2 != 0 || offset + kNodeHeaderBytes > bytes_.size()) return false;
  const std::string_view page = bytes_;
  const uint32_t low = Get32(page, offset);
  const uint16_t flags = Get16(page, offset + 4);
  const size_t key_bytes = Get16(page, offset + 6);
  const size_t key_offset = offset + kNodeHeaderBytes;
  if (key_bytes > page.size() - key_offset) return false;
  node->key = page.substr(key_offset, key_bytes);
  if (!is_leaf()) {
    node->child = low | uint64_t{flags} << 32;
    return true;
  }
  node->flags = flags;
  node->data_bytes = low;
  const size_t in_page = (flags & kBigData) != 0 ? sizeof(uint64_t) : low;
  const size_t data_offset = key_offset + key_bytes;
  if (in_page > page.size() - data_offset) return false;
  node->in_page = page.substr(data_offset, in_page);
  return true;
}

// ---- Trees

// The keys that a subtree may hold: from `first` on, before `end`.
struct KeyRange {
  std::optional<std::string_view> first;
  std::optional<std::string_view> end;
};

class Checker {
 public:
  Checker(int fd, const LmdbMetaPages& pages, const LmdbMeta& meta)
      : fd_(fd), pages_(pages), meta_(meta), seen_(std::max(pages.file_pages, meta.last_page + 1)) {}

  absl::Status Run() {
    if (meta_.last_page + 1 < kMetaPageCount) return Damaged(meta_.transaction & 1, "impossible last page");
    SEMEL_RETURN_IF_ERROR(CheckTree(TreeKind::kMain, meta_.main));
    for (const LmdbTree& table : tables_) SEMEL_RETURN_IF_ERROR(CheckTree(TreeKind::kTable, table));
    return CheckTree(TreeKind::kFreePages, meta_.free_pages);
  }

 private:
  absl::Status CheckTree(TreeKind kind, const LmdbTree& tree);
  absl::Status CheckPage(TreeKind kind, uint64_t number, uint16_t depth, const KeyRange& range);
  absl::Status CheckChildren(TreeKind kind, const Page& page, uint16_t depth, const KeyRange& range);
  absl::Status CheckLeaf(TreeKind kind, const Page& page);
  absl::Status CheckKeys(TreeKind kind, const Page& page, const KeyRange& range) const;
  absl::Status CheckBigData(const Page& page, const Node& node, std::string* data);
  absl::Status CheckSubTree(const Page& page, const Node& node);
  absl::Status CheckFreePages(const Page& page, std::string_view key, std::string_view data);

  // Marks a page as used or free; each may be so once.
  absl::Status Claim(uint64_t number) {
    if (number < kMetaPageCount || number > meta_.last_page) return Damaged(number, "named but does not exist");
    if (seen_[number]) return Damaged(number, "named twice");
    seen_[number] = true;
    return absl::OkStatus();
  }

  const int fd_;
  const LmdbMetaPages& pages_;
  const LmdbMeta& meta_;
  std::vector<bool> seen_;
  std::vector<LmdbTree> tables_;
};

bool KeyLess(TreeKind kind, std::string_view a, std::string_view b) {
  if (kind == TreeKind::kFreePages && a.size() == sizeof(uint64_t) && b.size() == sizeof(uint64_t)) {
    return Get64(a, 0) < Get64(b, 0);
  }
  return a < b;
}

absl::Status Checker::CheckTree(TreeKind kind, const LmdbTree& tree) {
  if (tree.root == kNoPage) {
    return tree.depth == 0 && tree.entries == 0 ? absl::OkStatus() : Damaged(tree.root, "a tree lost its root");
  }
  if (tree.depth == 0 || tree.depth > kDepthMax) return Damaged(tree.root, "impossible depth");
  return CheckPage(kind, tree.root, tree.depth, {});
}

// `depth`: levels from this page down to the leaves, both counted.
absl::Status Checker::CheckPage(TreeKind kind, uint64_t number, uint16_t depth, const KeyRange& range) {
  SEMEL_RETURN_IF_ERROR(Claim(number));
  Page page;
  SEMEL_RETURN_IF_ERROR(page.Read(fd_, pages_, number));
  if (page.is_leaf() != (depth == 1)) return Damaged(number, "at a wrong depth");
  SEMEL_RETURN_IF_ERROR(CheckKeys(kind, page, range));
  return page.is_leaf() ? CheckLeaf(kind, page) : CheckChildren(kind, page, depth, range);
}

absl::Status Checker::CheckKeys(TreeKind kind, const Page& page, const KeyRange& range) const {
  std::optional<std::string_view> before = range.first;
  bool may_equal = true;  // the first key of a range belongs to it
  for (size_t i = page.is_leaf() ? 0 : 1; i < page.size(); ++i) {
    const std::string_view key = page.node(i).key;
    if (key.empty()) return Damaged(page.number(), "an empty key");
    if (kind == TreeKind::kFreePages && key.size() != sizeof(uint64_t)) return Damaged(page.number(), "a wrong key");
    const bool ascending = !before || KeyLess(kind, *before, key) || (may_equal && key == *before);
    if (!ascending || (range.end && !KeyLess(kind, key, *range.end)))
      return Damaged(page.number(), "keys out of order");
    before = key;
    may_equal = false;
  }
  return absl::OkStatus();
}

absl::Status Checker::CheckChildren(TreeKind kind, const Page& page, uint16_t depth, const KeyRange& range) {
  // LMDB itself can leave a branch with one child in the tree of free pages.
  if (page.size() < 2 && kind != TreeKind::kFreePages) return Damaged(page.number(), "a branch with one child");
  for (size_t i = 0; i < page.size(); ++i) {
    KeyRange child = range;
    if (i > 0) child.first = page.node(i).key;
    if (i + 1 < page.size()) child.end = page.node(i + 1).key;
    SEMEL_RETURN_IF_ERROR(CheckPage(kind, page.node(i).child, static_cast<uint16_t>(depth - 1), child));
  }
  return absl::OkStatus();
}

absl::Status Checker::CheckLeaf(TreeKind kind, const Page& page) {
  for (size_t i = 0; i < page.size(); ++i) {
    const Node& node = page.node(i);
    const uint16_t other_flags = node.flags & ~kBigData;
    if (other_flags != (kind == TreeKind::kMain ? kSubTree : 0)) return Damaged(page.number(), "unknown kind of node");
    const bool want_data = kind == TreeKind::kFreePages;
    std::string data(want_data ? node.in_page : std::string_view());
    if ((node.flags & kBigData) != 0) {
      SEMEL_RETURN_IF_ERROR(CheckBigData(page, node, want_data ? &data : nullptr));
    }
    if (kind == TreeKind::kMain) SEMEL_RETURN_IF_ERROR(CheckSubTree(page, node));
    if (kind == TreeKind::kFreePages) SEMEL_RETURN_IF_ERROR(CheckFreePages(page, node.key, data));
  }
  return absl::OkStatus();
}

// The run of overflow pages that a big node names; its data, if `data` is not null.
absl::Status Checker::CheckBigData(const Page& page, const Node& node, std::string* data) {
  const uint64_t first = Get64(node.in_page, 0);
  const uint64_t count = (kPageHeaderBytes - 1 + uint64_t{node.data_bytes}) / pages_.page_bytes + 1;
  if (first >= pages_.file_pages || count > pages_.file_pages - first) {
    return Damaged(page.number(), "its overflow pages are missing");
  }
  for (uint64_t i = 0; i < count; ++i) SEMEL_RETURN_IF_ERROR(Claim(first + i));
  std::string header;
  SEMEL_RETURN_IF_ERROR(ReadAt(fd_, first * pages_.page_bytes, kPageHeaderBytes, &header));
  if (Get64(header, 0) != first || Get16(header, 10) != kOverflow || Get32(header, 12) != count) {
    return Damaged(first, "not the overflow page that it should be");
  }
  if (data == nullptr) return absl::OkStatus();
  return ReadAt(fd_, first * pages_.page_bytes + kPageHeaderBytes, node.data_bytes, data);
}

absl::Status Checker::CheckSubTree(const Page& page, const Node& node) {
  if (node.flags != kSubTree || node.in_page.size() != kTreeBytes) return Damaged(page.number(), "a malformed table");
  tables_.push_back(ParseTree(node.in_page));
  return tables_.back().flags == 0 ? absl::OkStatus() : Damaged(page.number(), "an unknown kind of table");
}

absl::Status Checker::CheckFreePages(const Page& page, std::string_view key, std::string_view data) {
  if (Get64(key, 0) > meta_.transaction) return Damaged(page.number(), "free pages of a later transaction");
  if (data.size() % sizeof(uint64_t) != 0 || data.empty()) return Damaged(page.number(), "a malformed free list");
  const uint64_t count = Get64(data, 0);
  if (count > data.size() / sizeof(uint64_t) - 1) return Damaged(page.number(), "a free list longer than its record");
  uint64_t before = kNoPage;
  for (uint64_t i = 1; i <= count; ++i) {
    const uint64_t number = Get64(data, i * sizeof(uint64_t));
    if (number >= before) return Damaged(page.number(), "a free list out of order");
    SEMEL_RETURN_IF_ERROR(Claim(number));
    before = number;
  }
  return absl::OkStatus();
}

// The node with `key` in the tree of one leaf at `root`.
absl::StatusOr<std::string> FindInLeaf(int fd, const LmdbMetaPages& pages, const LmdbTree& tree, std::string_view key) {
  Page page;
  SEMEL_RETURN_IF_ERROR(page.Read(fd, pages, tree.root));
  for (size_t i = 0; page.is_leaf() && i < page.size(); ++i) {
    const Node& node = page.node(i);
    if (node.key == key && (node.flags & kBigData) == 0) return std::string(node.in_page);
  }
  return absl::DataLossError(absl::StrCat("the state file is damaged: '", ToAbsl(key), "' is missing"));
}

}  // namespace

absl::StatusOr<LmdbMetaPages> ReadLmdbMetaPages(int fd) {
  // A writer in another process may change one page between the two reads, hardly ever twice in a row.
  constexpr int kAttempts = 5;
  absl::StatusOr<LmdbMetaPages> pages = TryReadMetaPages(fd);
  for (int i = 1; i < kAttempts && absl::IsDataLoss(pages.status()); ++i) pages = TryReadMetaPages(fd);
  return pages;
}

absl::Status CheckLmdbPages(int fd, const LmdbMetaPages& pages, const LmdbMeta& meta) {
  return Checker(fd, pages, meta).Run();
}

absl::StatusOr<std::string> FindInSmallLmdbTree(int fd, const LmdbMetaPages& pages, const LmdbMeta& meta,
                                                std::string_view table, std::string_view key) {
  SEMEL_ASSIGN_OR_RETURN(const std::string tree, FindInLeaf(fd, pages, meta.main, table));
  if (tree.size() != kTreeBytes) return absl::DataLossError("the state file is damaged: a malformed table");
  return FindInLeaf(fd, pages, ParseTree(tree), key);
}

}  // namespace semel::internal
