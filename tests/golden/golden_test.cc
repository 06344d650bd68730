// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Ledgers, backups and exports that each format's release wrote can be opened, read and gone on with for ever. The
// archives of this folder are never made anew: make_golden.sh makes that of a new format.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "engine/journal/change_coding.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/golden/golden_options.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/show_ledger.h"

namespace semel::testing {
namespace {

using nlohmann::json;

// Whether `shown` says all that `golden` says; a later release may say more.
bool Holds(const json& shown, const json& golden) {
  if (!golden.is_object() || !shown.is_object()) return shown == golden;
  for (const auto& [name, value] : golden.items()) {
    if (!shown.contains(name) || !Holds(shown[name], value)) return false;
  }
  return true;
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class GoldenTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    const std::string archive =
        std::string(SEMEL_SOURCE_DIR) + "/tests/golden/format_" + std::to_string(GetParam()) + ".tar.gz";
    const std::string command = std::string(SEMEL_PYTHON) + " -m tarfile --extract '" + archive + "' '" + path() + "'";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream input(path("input.hex"));
    for (std::string line; std::getline(input, line);) {
      input_.push_back(*internal::DecodeChange(absl::HexStringToBytes(line)));
    }
    ASSERT_GT(input_.size(), 100u);
  }

  std::string path(const std::string& name = "") const { return directory_.path() + "/" + name; }

  std::vector<std::string> Lines(const std::string& name) const {
    std::vector<std::string> lines;
    std::ifstream in(path(name));
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    EXPECT_GT(lines.size(), 20u) << name;
    return lines;
  }

  std::unique_ptr<Ledger> Open(const std::string& name) const {
    auto opened = Ledger::Open(path(name), GoldenOptions());
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

  static void ExpectVerified(Ledger* ledger) {
    const auto report = ledger->Verify();
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->fault, "");
  }

  void ExpectHeld(const std::vector<std::string>& shown, const std::string& name) const {
    const std::vector<std::string> golden = Lines(name);
    ASSERT_EQ(shown.size(), golden.size());
    for (size_t i = 0; i < golden.size(); ++i) {
      EXPECT_TRUE(Holds(json::parse(shown[i]), json::parse(golden[i]))) << shown[i] << "\n" << golden[i];
    }
  }

  // The values are bytes, which may hold a line's end.
  void ExpectEntities(Ledger* ledger) const {
    std::string text;
    const std::vector<std::string> lines = ShowEntities(ledger).value();
    for (const std::string& line : lines) text += line + '\n';
    EXPECT_EQ(text, ReadFile(path("entities.txt")));
  }

  void ExpectGoesOn(Ledger* ledger) const {
    const auto outcome = ledger->Apply(AddAt("from now on", "late", ledger->Get("late")->version, 1));
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_TRUE(outcome->applied());
    ExpectVerified(ledger);
  }

  TempDirectory directory_;
  std::vector<Change> input_;
};

TEST_P(GoldenTest, Ledger_OpensAndShowsAndRecognisesAndGoesOn) {
  auto ledger = Open("ledger");
  ExpectVerified(ledger.get());
  ExpectHeld(ShowAll(ledger.get()).value(), "shown.jsonl");
  const uint64_t sequence = ledger->GetStats()->sequence;
  ExpectHeld(Redeliver(ledger.get(), input_).value(), "answers.jsonl");
  EXPECT_EQ(ledger->GetStats()->sequence, sequence);
  ExpectEntities(ledger.get());
  ExpectGoesOn(ledger.get());
  ASSERT_TRUE(ledger->Close().ok());
  ledger = Open("ledger");
  ExpectVerified(ledger.get());
}

TEST_P(GoldenTest, LatestChangesAreDuplicates) {
  const auto ledger = Open("ledger");
  for (size_t i = input_.size() - 5; i < input_.size(); ++i) {
    EXPECT_EQ(ToString(ledger->Apply(input_[i])->code), "DUPLICATE");
  }
}

TEST_P(GoldenTest, Ledger_CanBeReadOnly) {
  const auto opened = Ledger::OpenReadOnly(path("ledger"), {.state_map_bytes = GoldenOptions().state_map_bytes});
  ASSERT_TRUE(opened.ok()) << opened.status();
  ExpectVerified(opened->get());
  ExpectHeld(ShowAll(opened->get()).value(), "shown.jsonl");
}

TEST_P(GoldenTest, Ledger_CanBeRebuilt) {
  const auto report = RebuildLedger(path("ledger"));
  ASSERT_TRUE(report.ok()) << report.status();
  const auto ledger = Open("ledger");
  ExpectVerified(ledger.get());
  ExpectHeld(ShowAll(ledger.get()).value(), "shown.jsonl");
}

TEST_P(GoldenTest, Backup_CanBeRestored) {
  const auto report = RestoreLedger(path("backup"), path("restored"));
  ASSERT_TRUE(report.ok()) << report.status();
  const auto ledger = Open("restored");
  ExpectVerified(ledger.get());
  ExpectEntities(ledger.get());
  ExpectGoesOn(ledger.get());
}

TEST_P(GoldenTest, Export_CanBeImported) {
  for (const auto& [name, format] :
       {std::pair("export.jsonl", ExportFormat::kJsonLines), std::pair("export.pb", ExportFormat::kProto)}) {
    std::string rest = ReadFile(path(name));
    const std::string to = path(std::string("imported-") + name);
    const auto report =
        ImportLedger(to, format, [&rest]() -> absl::StatusOr<std::string> { return std::exchange(rest, ""); });
    ASSERT_TRUE(report.ok()) << report.status();
    const auto ledger = Open(std::string("imported-") + name);
    ExpectVerified(ledger.get());
    ExpectEntities(ledger.get());
    ExpectGoesOn(ledger.get());
  }
}

INSTANTIATE_TEST_SUITE_P(Format, GoldenTest, ::testing::Range(1, kFormatVersion + 1));

}  // namespace
}  // namespace semel::testing
