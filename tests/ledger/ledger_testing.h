// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A ledger in a directory of its own, for tests through the public API. The shipped checker runs after every test.

#ifndef SEMEL_TESTS_LEDGER_LEDGER_TESTING_H_
#define SEMEL_TESTS_LEDGER_LEDGER_TESTING_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "semel/ledger.h"

namespace semel::testing {

// A new, empty directory, removed at the end.
class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = (std::filesystem::exists("/dev/shm") ? "/dev/shm" : ::testing::TempDir());
    pattern += "/semel-test-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TempDirectory() { std::filesystem::remove_all(path_); }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class LedgerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.create_if_missing = true;
    options_.segment_bytes = size_t{1} << 20;
    Open();
  }
  void TearDown() override {
    if (ledger_ != nullptr) ExpectVerified();
  }

  std::string path() const { return directory_.path() + "/ledger"; }

  void Open() {
    auto opened = Ledger::Open(path(), options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ledger_ = *std::move(opened);
  }
  // Closes properly, with a checkpoint, and opens again.
  void Reopen() {
    ASSERT_TRUE(ledger_->Close().ok());
    ledger_.reset();
    Open();
  }
  // Goes away as a killed process does, without a checkpoint, and opens again: recovery has to redo.
  void Crash() {
    ledger_.reset();
    Open();
  }
  void ExpectVerified() {
    auto report = ledger_->Verify();
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->fault, "");
  }

  // The answer to a change; the call itself must succeed.
  Outcome Do(const Change& change) {
    auto outcome = ledger_->Apply(change);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? *outcome : Outcome();
  }
  std::string Say(const Change& change) { return std::string(ToString(Do(change).code)); }

  Entity Get(std::string_view key) {
    auto entity = ledger_->Get(key);
    EXPECT_TRUE(entity.ok()) << entity.status();
    return entity.ok() ? *entity : Entity();
  }
  Amount Balance(std::string_view key) { return Get(key).balance; }
  uint64_t Version(std::string_view key) { return Get(key).version; }
  uint64_t Sequence() { return ledger_->GetStats()->sequence; }

  // Unrelated changes of `key`, from its present version on.
  void Fill(std::string_view key, int count) {
    for (int i = 0; i < count; ++i) {
      Change change("fill-" + std::string(key) + "-" + std::to_string(Version(key)));
      change.AddUpdate(key).ExpectVersion(Version(key)).Add(1);
      ASSERT_EQ(Say(change), "APPLIED");
    }
  }

  TempDirectory directory_;
  Options options_;
  std::unique_ptr<Ledger> ledger_;
};

inline Change AddAt(std::string_view id, std::string_view key, uint64_t version, Amount amount) {
  Change change(id);
  change.AddUpdate(key).ExpectVersion(version).Add(amount);
  return change;
}

inline Change PutAt(std::string_view id, std::string_view key, uint64_t version, std::string_view value) {
  Change change(id);
  change.AddUpdate(key).ExpectVersion(version).Put(value);
  return change;
}

inline Change DeleteAt(std::string_view id, std::string_view key, uint64_t version) {
  Change change(id);
  change.AddUpdate(key).ExpectVersion(version).Delete();
  return change;
}

inline Change PolicyAt(std::string_view id, std::string_view key, uint64_t version, Policy policy) {
  Change change(id);
  change.AddUpdate(key).ExpectVersion(version).SetPolicy(std::move(policy));
  return change;
}

// "transfer/<id>" created once, and the money moved between two accounts that nobody has to read first.
inline Change Transfer(std::string_view id, std::string_view from, std::string_view to, Amount amount) {
  Change change(id);
  change.balanced = true;
  change.AddUpdate("transfer/" + std::string(id)).ExpectVersion(0).Put("{}");
  change.AddUpdate(from).Add(-amount);
  change.AddUpdate(to).Add(amount);
  return change;
}

inline Change At(Change change, std::string_view source, uint64_t position) {
  change.source.emplace();
  change.source->name = std::string(source);
  change.source->position = position;
  return change;
}

inline Change AddFrom(std::string_view id, std::string_view source, uint64_t position, std::string_view key,
                      Amount amount) {
  Change change(id);
  change.AddUpdate(key).Add(amount);
  return At(std::move(change), source, position);
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LEDGER_LEDGER_TESTING_H_
