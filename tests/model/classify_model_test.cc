// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The engine's rules as a ledger without a journal, against the reference model, change by change and state by state.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/rules/classify.h"
#include "engine/rules/effect.h"
#include "engine/rules/rules.h"
#include "engine/rules/validate.h"
#include "gtest/gtest.h"
#include "tests/model/random_changes.h"
#include "tests/model/reference_model.h"

namespace semel::testing {
namespace {

using internal::Effect;
using internal::EntryRef;
using internal::Head;
using internal::IdTag;
using internal::Lsn;

constexpr uint64_t kSeed = 42;
Lsn LsnOf(uint64_t sequence) { return 4096 + 100 * sequence; }

// One version of an entity: who made it, and with which effect.
struct Version {
  EntryRef entry;
  Effect effect;
};

// Everything that the ledger wrote, by key.
using Records = std::map<std::string, std::vector<Version>>;

class RecordedHistory final : public internal::History {
 public:
  RecordedHistory(const Records& records, const Change& change) : records_(records), change_(change) {}

  absl::StatusOr<std::optional<EntryRef>> At(size_t i, uint64_t version) override {
    return std::optional<EntryRef>(Of(i).at(version - 1).entry);
  }
  absl::StatusOr<Search> Find(size_t i, const IdTag& id, uint64_t after, uint64_t limit) override {
    for (uint64_t version = Of(i).size() - 1; version > after; --version, --limit) {
      if (limit == 0) return Search{std::nullopt, false};
      const EntryRef& entry = Of(i).at(version - 1).entry;
      if (entry.id == id) return Search{entry, true};
    }
    return Search{std::nullopt, true};
  }
  absl::StatusOr<uint64_t> VersionGivenBy(Lsn lsn, size_t i) override {
    for (const Version& version : Of(i)) {
      if (version.entry.lsn == lsn) return version.effect.version;
    }
    return 0;
  }

 private:
  const std::vector<Version>& Of(size_t i) const { return records_.at(change_.updates[i].key); }

  const Records& records_;
  const Change& change_;
};

// What the engine does for a change without a source, less the files.
class BareLedger {
 public:
  explicit BareLedger(internal::DecidingOptions options) : options_(options) {}

  Outcome Apply(const Change& change) {
    Outcome outcome;
    outcome.code = OutcomeCode::kInvalid;
    if (!internal::WhyInvalid(change).empty()) return outcome;
    const internal::Identity identity = internal::IdentityOf(change, kSeed);
    std::vector<const Head*> heads;
    for (const Update& update : change.updates) heads.push_back(&HeadOf(update.key));
    RecordedHistory history(records_, change);
    const auto decision = internal::Classify(change, identity, heads, options_, history);
    EXPECT_TRUE(decision.ok()) << decision.status();
    outcome.code = decision->code;
    outcome.rule = decision->rule;
    outcome.conflict = decision->conflict;
    if (decision->code == OutcomeCode::kDuplicate) outcome.sequence = decision->evidence->sequence;
    if (decision->code == OutcomeCode::kApplied) Commit(change, identity, &outcome);
    return outcome;
  }

  const std::map<std::string, Head>& heads() const { return heads_; }
  const Records& records() const { return records_; }

 private:
  Head& HeadOf(const std::string& key) {
    records_[key];
    return heads_[key];
  }

  void Commit(const Change& change, const internal::Identity& identity, Outcome* outcome) {
    outcome->sequence = ++sequence_;
    const EntryRef entry{identity.id, identity.fingerprint, LsnOf(sequence_), sequence_};
    for (const Update& update : change.updates) {
      Head& head = HeadOf(update.key);
      if (update.action != Action::kCheck) {
        Effect effect = internal::EffectOf(update, head);
        ASSERT_TRUE(internal::ApplyEffect(effect, entry, &head).ok());
        effect.key = effect.value = {};  // they point into the change
        records_[update.key].push_back({entry, effect});
      }
      outcome->updates.push_back({head.version, head.balance});
    }
  }

  internal::DecidingOptions options_;
  uint64_t sequence_ = 0;
  std::map<std::string, Head> heads_;
  Records records_;
};

void ExpectSameState(const ReferenceModel& model, const BareLedger& ledger) {
  for (const auto& [key, head] : ledger.heads()) {
    const Entity entity = model.Latest(key);
    ASSERT_EQ(head.version, entity.version) << key;
    EXPECT_EQ(head.balance, entity.balance) << key;
    EXPECT_EQ(head.deleted, entity.deleted) << key;
    EXPECT_EQ(head.Extras().value, entity.value) << key;
    EXPECT_EQ(head.GetPolicy(), entity.policy) << key;
    EXPECT_EQ(head.Extras().stamp.has_value(), entity.stamp.has_value()) << key;
    if (entity.stamp) {
      EXPECT_EQ(head.Extras().stamp->value, *entity.stamp) << key;
    }
  }
}

// The effect that the entry at `lsn` had on an entity, or null.
const Effect* EffectAt(const std::vector<Version>& versions, Lsn lsn) {
  for (const Version& version : versions) {
    if (version.entry.lsn == lsn) return &version.effect;
  }
  return nullptr;
}

// Each effect alone must lead to the whole past state: to older versions by its pointers, to value and policy by
// theirs.
void ExpectPastStateIsReachable(const ReferenceModel& model, const std::string& key,
                                const std::vector<Version>& versions) {
  for (const auto& [entry, effect] : versions) {
    const Entity then = model.AsOf(key, entry.sequence);
    ASSERT_EQ(effect.version, then.version);
    EXPECT_EQ(effect.balance, then.balance);
    EXPECT_EQ(effect.deleted, then.deleted);
    EXPECT_EQ(effect.value_lsn.has_value(), then.value.has_value() && effect.action != Action::kPut);
    if (effect.value_lsn) {
      const Effect* const put = EffectAt(versions, *effect.value_lsn);
      ASSERT_NE(put, nullptr);
      EXPECT_EQ(put->action, Action::kPut);
      EXPECT_EQ(model.AsOf(key, (*effect.value_lsn - 4096) / 100).value, then.value);
    }
    const bool has_policy = !(then.policy == Policy());
    const Effect* const set = effect.policy_lsn ? EffectAt(versions, *effect.policy_lsn) : &effect;
    ASSERT_NE(set, nullptr);
    if (has_policy) {
      EXPECT_EQ(set->policy, then.policy);
    }
    for (const Lsn pointer : effect.pointers) {
      const Effect* const target = EffectAt(versions, pointer);
      ASSERT_NE(target, nullptr);
      EXPECT_LT(target->version, effect.version);
    }
    EXPECT_EQ(effect.pointers.empty(), effect.version == 1);
  }
}

void RunStream(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  ModelOptions model_options;
  model_options.balance_lookback = seed % 2 == 0 ? 3 : 4096;
  model_options.explicit_entities = seed % 5 == 0;
  ReferenceModel model(model_options);
  BareLedger ledger({static_cast<uint32_t>(model_options.balance_lookback), model_options.explicit_entities});
  RandomChanges stream(seed, {.keys = 2 + static_cast<int>(seed % 3)});
  for (int i = 0; i < 2000; ++i) {
    const Change change = stream.Next(model);
    if (change.source) continue;  // judged by the layers above
    const Outcome wanted = model.Apply(change);
    const Outcome outcome = ledger.Apply(change);
    ASSERT_EQ(ToString(outcome.code), ToString(wanted.code)) << "change " << i << ", id " << change.id;
    EXPECT_EQ(ToString(outcome.rule), ToString(wanted.rule)) << "change " << i;
    EXPECT_EQ(ToString(outcome.conflict), ToString(wanted.conflict)) << "change " << i;
    EXPECT_EQ(outcome.sequence, wanted.sequence) << "change " << i;
    if (::testing::Test::HasFailure()) return;
  }
  ExpectSameState(model, ledger);
  for (const auto& [key, versions] : ledger.records()) ExpectPastStateIsReachable(model, key, versions);
}

TEST(Rules, RandomStreams_DecideAsTheReferenceModelDoes) {
  const uint64_t seed = TestSeed();
  for (uint64_t i = 0; i < 30 && !HasFailure(); ++i) RunStream(seed + i);
}

}  // namespace
}  // namespace semel::testing
