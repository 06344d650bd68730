// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/bench/workload.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/base/check.h"
#include "engine/base/checksum.h"

namespace semel::bench {
namespace {

constexpr double kExponent = 0.99;
constexpr size_t kRecent = 4096;

bool Names(const Change& change, std::string_view key) {
  return std::any_of(change.updates.begin(), change.updates.end(), [&](const Update& u) { return u.key == key; });
}

}  // namespace

std::string AccountKey(uint64_t number) {
  char key[32];
  std::snprintf(key, sizeof key, "account/%09llu", static_cast<unsigned long long>(number));
  return key;
}

std::string ChangeId(uint64_t number) {
  char id[32];
  std::snprintf(id, sizeof id, "%016llx", static_cast<unsigned long long>(number));
  return id;
}

Zipf::Zipf(uint64_t count) : count_(count), alpha_(1 / (1 - kExponent)) {
  for (uint64_t i = 1; i <= count; ++i) zeta_ += std::pow(1.0 / static_cast<double>(i), kExponent);
  const double zeta_of_2 = 1 + std::pow(0.5, kExponent);
  eta_ = (1 - std::pow(2.0 / static_cast<double>(count), 1 - kExponent)) / (1 - zeta_of_2 / zeta_);
}

uint64_t Zipf::Draw(uint64_t random) const {
  const double u = static_cast<double>(random >> 11) * 0x1p-53;  // 0 <= u < 1
  if (u * zeta_ < 1) return 0;
  if (u * zeta_ < 1 + std::pow(0.5, kExponent)) return std::min<uint64_t>(1, count_ - 1);
  const double drawn = static_cast<double>(count_) * std::pow(eta_ * u - eta_ + 1, alpha_);
  return std::min(static_cast<uint64_t>(drawn), count_ - 1);
}

Producer::Producer(const Workload& workload, uint64_t caller, uint64_t callers)
    : workload_(workload),
      caller_(caller),
      callers_(callers),
      value_(workload.value_bytes, 'v'),
      state_(caller + 1),
      versions_((workload.entities - caller + callers - 1) / callers),
      next_id_((caller << 48) + 1) {
  SEMEL_CHECK(workload.entities >= callers * workload.updates);
  if (workload.distribution == Distribution::kZipf) zipf_.emplace(versions_.size());
}

uint64_t Producer::Mix(uint64_t state) { return internal::MixSeed(1, state); }

uint64_t Producer::NextAccount() {
  const uint64_t random = Random();
  return zipf_.has_value() ? Mix(zipf_->Draw(random)) % versions_.size() : random % versions_.size();
}

void Producer::AddUpdate(uint64_t account, uint64_t version, Change* change) const {
  Update& update = change->AddUpdate(AccountKey(account * callers_ + caller_)).ExpectVersion(version);
  if (workload_.value_bytes > 0) {
    update.Put(value_);
  } else {
    update.Add(1);
  }
}

void Producer::Creation(uint64_t account, Change* change) const {
  change->id = ChangeId((caller_ << 48) + account + 1);
  change->updates.clear();
  AddUpdate(account, 0, change);
}

uint64_t Producer::NextCreations(size_t count, std::vector<Change>* batch) {
  batch->resize(std::min<uint64_t>(count, versions_.size() - created_));
  for (Change& change : *batch) {
    Creation(created_, &change);
    versions_[created_++] = 1;
    ++next_id_;
  }
  return batch->size();
}

void Producer::SendFresh(Change* change) {
  change->id = ChangeId(next_id_++);
  change->updates.clear();
  while (change->updates.size() < workload_.updates) {
    uint64_t account = NextAccount();
    while (Names(*change, AccountKey(account * callers_ + caller_))) account = (account + 1) % versions_.size();
    AddUpdate(account, versions_[account]++, change);
  }
  if (workload_.duplicates_percent == 0) return;
  if (recent_.size() < kRecent) {
    recent_.push_back(*change);
  } else {
    recent_[oldest_++ % kRecent] = *change;
  }
}

void Producer::SendAgain(Change* change) {
  if (workload_.redelivered == Redelivered::kOld || recent_.empty()) {
    Creation(NextAccount(), change);
  } else {
    *change = recent_[Random() % recent_.size()];
  }
}

uint64_t Producer::NextBatch(size_t count, std::vector<Change>* batch) {
  batch->resize(count);
  uint64_t fresh = 0;
  for (Change& change : *batch) {
    if (workload_.duplicates_percent > 0 && Random() % 100 < workload_.duplicates_percent) {
      SendAgain(&change);
    } else {
      SendFresh(&change);
      fresh += workload_.updates;
    }
  }
  return fresh;
}

}  // namespace semel::bench
