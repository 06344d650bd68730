// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/damage/damage.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace semel::testing {
namespace {

constexpr size_t kSector = 512;
constexpr size_t kPage = 4096;

// The files that can stand in for each other: a ledger has one or more of each kind.
std::string KindOf(const std::string& name) {
  if (absl::EndsWith(name, ".log")) return "segment";
  if (absl::EndsWith(name, ".base")) return "base";
  return name;
}

std::vector<std::string> NamesOf(const FileImage& files, std::string_view kind) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : files) {
    if (KindOf(name) == kind) names.push_back(name);
  }
  return names;
}

const std::string& AnyOf(const std::vector<std::string>& names, Random* random) {
  return names[random->Below(names.size())];
}

// Most damages hit what a ledger consists of most.
std::string DrawFile(const FileImage& files, Random* random) {
  static const char* const kKinds[] = {"segment",        "segment",        "segment", "segment",  "segment",
                                       "state/data.mdb", "state/data.mdb", "base",    "MANIFEST", "DURABLE"};
  for (;;) {
    const std::vector<std::string> names = NamesOf(files, kKinds[random->Below(std::size(kKinds))]);
    if (!names.empty()) return AnyOf(names, random);
  }
}

// Where something is hit: mostly where there is something. `bytes` is not empty.
size_t DrawOffset(std::string_view bytes, Random* random) {
  const size_t data_end = bytes.find_last_not_of('\0') + 1;
  return random->OneIn(10) || data_end == 0 ? random->Below(bytes.size()) : random->Below(data_end);
}

// A block of a file as a disk has them; the last may be cut off.
struct Block {
  size_t offset;
  size_t size;
};

Block DrawBlock(std::string_view bytes, Random* random) {
  const size_t size = random->OneIn(2) ? kSector : kPage;
  const size_t offset = DrawOffset(bytes, random) / size * size;
  return {offset, std::min(size, bytes.size() - offset)};
}

std::string Name(const std::string& file, const Block& block) {
  return absl::StrCat(file, " at ", block.offset, ", ", block.size, " bytes");
}

// Each of these changes one file of `files`, or leaves all as it is where it cannot; and says what it does.

std::string FlipBit(const Subject&, const std::string& file, FileImage* files, Random* random) {
  std::string& bytes = (*files)[file];
  const size_t offset = DrawOffset(bytes, random);
  const auto bit = static_cast<int>(random->Below(8));
  bytes[offset] = static_cast<char>(bytes[offset] ^ 1 << bit);
  return absl::StrCat("bit ", bit, " of ", file, " at ", offset, " flipped");
}

std::string ChangeByte(const Subject&, const std::string& file, FileImage* files, Random* random) {
  std::string& bytes = (*files)[file];
  const size_t offset = DrawOffset(bytes, random);
  bytes[offset] = static_cast<char>(random->Next());
  return absl::StrCat(file, " at ", offset, ": another byte");
}

std::string OverwriteWithZeros(const Subject&, const std::string& file, FileImage* files, Random* random) {
  std::string& bytes = (*files)[file];
  const Block block = DrawBlock(bytes, random);
  bytes.replace(block.offset, block.size, block.size, '\0');
  return absl::StrCat(Name(file, block), ": zeros");
}

std::string OverwriteWithNoise(const Subject&, const std::string& file, FileImage* files, Random* random) {
  std::string& bytes = (*files)[file];
  const Block block = DrawBlock(bytes, random);
  bytes.replace(block.offset, block.size, random->Bytes(block.size));
  return absl::StrCat(Name(file, block), ": noise");
}

// A write that landed elsewhere, in this file or in another of its kind.
std::string Misdirect(const Subject&, const std::string& file, FileImage* files, Random* random) {
  const std::string from = AnyOf(NamesOf(*files, KindOf(file)), random);
  std::string& bytes = (*files)[file];
  const Block block = DrawBlock(bytes, random);
  const size_t from_offset = DrawOffset((*files)[from], random) / block.size * block.size;
  const std::string landed = (*files)[from].substr(from_offset, block.size);
  bytes.replace(block.offset, landed.size(), landed);
  return absl::StrCat(Name(file, block), ": what belongs in ", from, " at ", from_offset);
}

// Blocks one after another that still hold what they held before.
std::string LoseWrite(const Subject& subject, const std::string& file, FileImage* files, Random* random) {
  const FileImage& before = subject.older[random->Below(subject.older.size())];
  const auto found = before.find(file);
  std::string& bytes = (*files)[file];
  Block block = DrawBlock(bytes, random);
  block.size = std::min(block.size * random->Between(1, 3), bytes.size() - block.offset);
  std::string old =
      found == before.end() ? "" : found->second.substr(std::min(block.offset, found->second.size()), block.size);
  old.resize(block.size);  // before it was written, a file's block was zeros
  bytes.replace(block.offset, block.size, old);
  return absl::StrCat(Name(file, block), ": as it was before");
}

std::string Truncate(const Subject&, const std::string& file, FileImage* files, Random* random) {
  std::string& bytes = (*files)[file];
  size_t size = random->Below(bytes.size());
  if (random->OneIn(2)) size = size / kSector * kSector;
  bytes.resize(size);
  return absl::StrCat(file, " cut off at ", size);
}

std::string Extend(const Subject&, const std::string& file, FileImage* files, Random* random) {
  const size_t size = random->OneIn(2) ? kPage * random->Between(1, 3) : random->Between(1, kPage);
  (*files)[file] += random->OneIn(2) ? std::string(size, '\0') : random->Bytes(size);
  return absl::StrCat(file, " longer by ", size);
}

std::string RemoveFile(const Subject&, const std::string& file, FileImage* files, Random*) {
  files->erase(file);
  return absl::StrCat(file, " removed");
}

std::string TakeFromAnotherLedger(const Subject& subject, const std::string& file, FileImage* files, Random* random) {
  const std::vector<std::string> names = NamesOf(subject.other, KindOf(file));
  if (names.empty()) return "";
  const std::string from = AnyOf(names, random);
  (*files)[file] = subject.other.at(from);
  return absl::StrCat(file, " is ", from, " of another ledger");
}

// A file comes back that is of another time: in its own place, or in that of another.
std::string TakeOlder(const Subject& subject, const std::string& file, FileImage* files, Random* random) {
  const FileImage& before = subject.older[random->Below(subject.older.size())];
  const std::vector<std::string> names = NamesOf(before, KindOf(file));
  if (names.empty()) return "";
  const std::string from = AnyOf(names, random);
  const std::string to = random->OneIn(4) ? file : from;
  (*files)[to] = before.at(from);
  return absl::StrCat(to, " is an older ", from);
}

std::string SwapFiles(const Subject&, const std::string& file, FileImage* files, Random* random) {
  const std::string other = AnyOf(NamesOf(*files, KindOf(file)), random);
  std::swap((*files)[file], (*files)[other]);
  return absl::StrCat(file, " and ", other, " in each other's place");
}

using Kind = std::string (*)(const Subject&, const std::string& file, FileImage*, Random*);
// Those of whole files are few that differ, and are drawn less often.
constexpr Kind kKinds[] = {FlipBit,
                           FlipBit,
                           FlipBit,
                           ChangeByte,
                           ChangeByte,
                           OverwriteWithZeros,
                           OverwriteWithZeros,
                           OverwriteWithNoise,
                           OverwriteWithNoise,
                           Misdirect,
                           Misdirect,
                           LoseWrite,
                           LoseWrite,
                           Truncate,
                           Extend,
                           RemoveFile,
                           TakeOlder,
                           SwapFiles,
                           TakeFromAnotherLedger};

}  // namespace

Damage DrawDamage(const Subject& subject, Random* random) {
  for (;;) {
    Damage damage{subject.files, ""};
    const std::string file = DrawFile(damage.files, random);
    damage.what = kKinds[random->Below(std::size(kKinds))](subject, file, &damage.files, random);
    const bool is_before_last_frame = !subject.before_last_frame.empty() && damage.files == subject.before_last_frame;
    if (damage.files != subject.files && !is_before_last_frame) return damage;
  }
}

}  // namespace semel::testing
