// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Journals whose checksums are all right and whose entries do not add up, as a bug or a forger would write them: open
// refuses them, or verify names the fault.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/journal/writer.h"
#include "engine/ledger/directory.h"
#include "engine/rules/effect.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"

namespace semel::testing {
namespace {

using internal::Effect;

class CraftedJournal : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ledger = OpenSim(&disk_);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE((*ledger)->Apply(AddAt(std::to_string(i), "a", i, 5)).ok());
  }

  // An add of `amount` to an entity that is new, but for what a test changes of it.
  static Effect AddToNew(std::string_view key, Amount amount) {
    Effect effect = internal::NextEffect(internal::Table::kEntities, key, internal::Head());
    effect.action = Action::kAdd;
    effect.amount = amount;
    effect.balance = amount;
    return effect;
  }

  void Append(const std::vector<Effect>& effects, bool balanced = false) {
    const internal::Manifest manifest = internal::ReadManifest(&disk_.files, "/ledger").value();
    const internal::JournalIdentity identity = internal::JournalIdentityOf("/ledger", manifest);
    const auto reader = internal::JournalReader::Open(&disk_.files, identity, /*cache_bytes=*/0).value();
    internal::RecoveryReport report;
    const auto redo = [](const internal::FrameHeader&, std::string_view) { return absl::OkStatus(); };
    const auto writer = internal::JournalWriter::Open(&disk_.files, identity, {16 << 10}, reader.get(), nullptr,
                                                      internal::JournalTip(), redo, &report)
                            .value();
    internal::FrameBuilder frame(identity.seed);
    frame.Begin(writer->tip(), /*now_us=*/0);
    internal::Entry entry;
    entry.outcome = OutcomeCode::kApplied;
    entry.id = "crafted";
    entry.balanced = balanced;
    entry.effects.assign(effects.begin(), effects.end());
    frame.Add(&entry);
    ASSERT_TRUE(writer->Reserve(frame.size()).ok());
    internal::FrameHeader header;
    const std::string_view bytes = frame.Finish(&header);
    ASSERT_TRUE(writer->Append(header, bytes).ok());
  }

  std::string Fault() {
    auto ledger = OpenSim(&disk_);
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    return ledger.ok() ? (*ledger)->Verify()->fault : "";
  }

  SimDisk disk_;
};

TEST_F(CraftedJournal, AnEntryThatAddsUpIsFine) {
  Append({AddToNew("b", 5), AddToNew("c", -5)}, /*balanced=*/true);
  EXPECT_EQ(Fault(), "");
}

TEST_F(CraftedJournal, ABalanceThatDoesNotGoWithTheAmountIsFound) {
  Effect effect = AddToNew("b", 5);
  effect.balance = 6;
  Append({effect});
  EXPECT_NE(Fault().find("wrong balance"), std::string::npos);
}

TEST_F(CraftedJournal, ABalancedChangeThatMakesMoneyIsFound) {
  Append({AddToNew("b", 5), AddToNew("c", -4)}, /*balanced=*/true);
  EXPECT_NE(Fault().find("does not sum to zero"), std::string::npos);
}

TEST_F(CraftedJournal, AVersionThatDoesNotFollowIsRefused) {
  Effect effect = AddToNew("b", 5);
  effect.version = 2;
  effect.pointers = {64};
  Append({effect});
  EXPECT_TRUE(absl::IsDataLoss(OpenSim(&disk_).status()));
}

}  // namespace
}  // namespace semel::testing
