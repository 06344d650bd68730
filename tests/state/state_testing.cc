// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/state/state_testing.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace semel::testing {
namespace {

using internal::ChainTop;
using internal::EntryRef;
using internal::Head;
using internal::HeadExtras;
using internal::IdTag;

// The entry of each version stands at an address of its own.
uint64_t LsnOf(uint64_t version, uint64_t salt) { return 64 + version * 100 + salt % 100; }

EntryRef RefAt(uint64_t version, uint64_t salt) {
  EntryRef ref;
  ref.id = internal::MakeIdTag("id-" + std::to_string(version) + "-" + std::to_string(salt % 1000), 1);
  ref.fingerprint = {internal::MixSeed(version, salt), internal::MixSeed(salt, version)};
  ref.lsn = LsnOf(version, salt);
  ref.sequence = version * 3;
  return ref;
}

Amount RandomAmount(Random* random) {
  const absl::uint128 bits = absl::MakeUint128(random->Next(), random->Next());
  return Amount(bits) >> static_cast<int>(random->Below(128));
}

uint64_t RandomSize(Random* random) { return random->Next() >> random->Below(64); }

Policy RandomPolicy(Random* random) {
  Policy policy;
  if (random->OneIn(2)) policy.asset = random->Bytes(random->Between(1, kMaxAssetBytes));
  if (random->OneIn(2)) policy.min_balance = RandomAmount(random);
  if (random->OneIn(2)) policy.max_balance = RandomAmount(random);
  if (random->OneIn(2)) policy.closed = random->OneIn(2);
  return policy;
}

internal::Stamp RandomStamp(Random* random, const Head& head) {
  const bool is_last = head.version == 1 || random->OneIn(2);
  if (is_last) return {RandomSize(random), head.last, {head.version, head.balance}};
  const uint64_t setter = random->Between(1, head.version - 1);
  return {RandomSize(random), RefAt(setter, random->Next() % 100), {setter, RandomAmount(random)}};
}

bool SameRef(const EntryRef& a, const EntryRef& b) {
  return a.id == b.id && a.fingerprint == b.fingerprint && a.lsn == b.lsn && a.sequence == b.sequence;
}

bool SameStamp(const internal::Stamp& a, const internal::Stamp& b) {
  return a.value == b.value && SameRef(a.setter, b.setter) && a.result.version == b.result.version &&
         a.result.balance == b.result.balance;
}

bool SameSource(const internal::SourceState& a, const internal::SourceState& b) {
  return a.cursor == b.cursor && a.incarnation == b.incarnation && a.chained == b.chained && a.window == b.window &&
         a.ahead == b.ahead && a.first_version == b.first_version && a.settled == b.settled;
}

bool SameExtras(const HeadExtras& a, const HeadExtras& b) {
  if (a.value != b.value || (a.value && a.value_lsn != b.value_lsn)) return false;
  if (a.policy != b.policy || (a.policy && a.policy_lsn != b.policy_lsn)) return false;
  if (a.stamp.has_value() != b.stamp.has_value() || (a.stamp && !SameStamp(*a.stamp, *b.stamp))) return false;
  return a.source.has_value() == b.source.has_value() && (!a.source || SameSource(*a.source, *b.source));
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string name = "/dev/shm/semel_state_test.XXXXXX";
  SEMEL_CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Head PlainHead(uint64_t version, Amount balance, uint64_t salt) {
  Head head;
  head.version = version;
  head.balance = balance;
  head.last = RefAt(version, salt);
  for (int level = 0; level < ChainTop::LevelCount(version); ++level) {
    head.chain.mutable_levels().push_back(LsnOf(ChainTop::VersionAtLevel(version, level), salt));
  }
  return head;
}

Head RandomHead(Random* random, bool small) {
  // Not beyond what leaves room for an address per version.
  Head head = PlainHead(1 + RandomSize(random) % (uint64_t{1} << 50), RandomAmount(random), random->Next());
  if (random->OneIn(4)) head.last.id = internal::MakePositionTag("source", "", random->Next(), 1);
  if (random->OneIn(4)) head.last.id = internal::MakeIdTag(random->Bytes(random->Between(1, kMaxIdBytes)), 1);
  head.deleted = random->OneIn(8);
  if (random->OneIn(2)) return head;
  auto extras = std::make_shared<HeadExtras>();
  if (random->OneIn(2)) {
    extras->value = random->Bytes(small ? random->Below(50) : random->Below(6000));
    extras->value_lsn = head.last.lsn - random->Below(head.last.lsn + 1);
  }
  if (random->OneIn(2)) {
    extras->policy = RandomPolicy(random);
    extras->policy_lsn = head.last.lsn - random->Below(head.last.lsn + 1);
  }
  if (random->OneIn(2)) extras->stamp = RandomStamp(random, head);
  if (random->OneIn(4)) {
    internal::SourceState& source = extras->source.emplace();
    source.cursor = random->Next();
    source.incarnation = random->Bytes(random->Below(kMaxIncarnationBytes + 1));
    source.chained = random->OneIn(2);
    source.first_version = random->Between(1, head.version);
    if (random->OneIn(2)) source.settled = random->Next();
    if (random->OneIn(2)) {
      source.window = static_cast<uint32_t>(random->Between(9, kMaxSourceWindow));
      if (random->OneIn(2)) source.ahead = random->Bytes(random->Below(source.window / 8)) + "\x01";
    }
  }
  head.extras = std::move(extras);
  return head;
}

bool SameHead(const Head& a, const Head& b) {
  return a.version == b.version && a.balance == b.balance && a.deleted == b.deleted && SameRef(a.last, b.last) &&
         a.chain.levels() == b.chain.levels() && SameExtras(a.Extras(), b.Extras());
}

internal::RecordFeed FeedOf(const Records& records) {
  return [next = records.begin(), end = records.end()](internal::Table* table, std::string_view* key,
                                                       const Head** head) mutable {
    if (next == end) return false;
    *table = next->first.first;
    *key = next->first.second;
    *head = &next->second;
    ++next;
    return true;
  };
}

internal::CheckpointInfo InfoAt(uint64_t lsn) {
  internal::CheckpointInfo info;
  info.tip = {lsn, lsn / 7 + 1, internal::MixSeed(lsn, 1), static_cast<int64_t>(lsn) * 1000};
  info.options.balance_lookback = static_cast<uint32_t>(lsn % 1000 + 1);
  info.options.explicit_entities = lsn % 2 == 1;
  return info;
}

absl::Status CommitAt(internal::StateStore* store, const Records& records, uint64_t lsn) {
  return store->Commit(FeedOf(records), InfoAt(lsn));
}

absl::StatusOr<Records> ReadAll(internal::StateSnapshot* snapshot) {
  Records records;
  for (int t = 0; t < internal::kTableCount; ++t) {
    const internal::Table table{static_cast<uint8_t>(t)};
    SEMEL_RETURN_IF_ERROR(snapshot->Scan(table, "", [&](std::string_view key, const Head& head) {
      records.emplace(RecordKey(table, key), head);
      return true;
    }));
  }
  return records;
}

bool SameRecords(const Records& a, const Records& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return x.first == y.first && SameHead(x.second, y.second);
         });
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  SEMEL_CHECK(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  SEMEL_CHECK(out.good());
}

internal::LmdbOptions StateOptions(const std::string& directory) {
  internal::LmdbOptions options;
  options.directory = directory;
  options.uuid = "0123456789abcdef";
  options.epoch = 7;
  options.seed = 42;
  options.map_bytes = size_t{1} << 30;
  return options;
}

}  // namespace semel::testing
