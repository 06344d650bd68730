// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A ledger that holds something of everything, and all that a ledger shows as text: for what has to carry all of it.

#ifndef SEMEL_TESTS_LEDGER_STORY_H_
#define SEMEL_TESTS_LEDGER_STORY_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "semel/ledger.h"
#include "tests/ledger/ledger_testing.h"

namespace semel::testing {

// Entities of every kind, sources of every kind, a parked change, dead letters, a retired prefix. `salt` tells one run
// from another; each is refused nothing that the one before it was granted. Returns every change that was sent.
inline std::vector<Change> TellStory(Ledger* ledger, const std::string& salt) {
  std::vector<Change> sent;
  const auto send = [&](Change change, const char* expected) {
    auto outcome = ledger->Apply(change, {.park = true});
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    ASSERT_EQ(ToString(outcome->code), expected) << change.id << ": " << outcome->reason;
    sent.push_back(std::move(change));
  };
  const std::string account = "account/" + salt;
  Policy policy;
  policy.asset = "EUR";
  policy.min_balance = -50;
  send(PolicyAt("policy-" + salt, account, 0, policy), "APPLIED");
  for (uint64_t i = 1; i <= 20; ++i) send(AddAt("add-" + salt + std::to_string(i), account, i, 10), "APPLIED");
  send(Transfer("transfer-with-a-long-id-" + salt, "plain/" + salt, "other", 7), "APPLIED");
  send(PutAt("put-" + salt, std::string("doc/\xff\x00", 6) + salt, 0, std::string("\x00\xfe value", 8)), "APPLIED");
  send(PutAt("grave-" + salt, "grave/" + salt, 0, "x"), "APPLIED");
  send(DeleteAt("dig-" + salt, "grave/" + salt, 1), "APPLIED");
  Change stamped("stamp-" + salt);
  stamped.AddUpdate("row/" + salt).Newer(17).Put("row");
  send(stamped, "APPLIED");
  send(PutAt("unstamped-" + salt, "row/" + salt, 1, "later"), "APPLIED");

  // Sources: one that had refusals, one without ids, one chained, one windowed and out of order, one that began anew.
  send(AddFrom("s1-" + salt, "rising-" + salt, 3, account, 1), "APPLIED");
  send(AddFrom("s2-" + salt, "rising-" + salt, 5, account, -1000), "REJECTED");
  send(At(AddAt("s3-" + salt, account, 1, 1), "rising-" + salt, 9), "CONFLICT");
  send(AddFrom("", "rising-" + salt, 12, account, 1), "APPLIED");
  Change chained = AddFrom("c1-" + salt, "chained-" + salt, 2, "other", 1);
  chained.source->previous = 1;
  chained.source->incarnation = "inc";
  send(chained, "APPLIED");
  for (const uint64_t position : {2, 4, 1}) {
    Change windowed = AddFrom("w" + std::to_string(position) + "-" + salt, "windowed-" + salt, position, "other", 1);
    windowed.source->window = 10;
    send(windowed, "APPLIED");
  }

  send(AddFrom("m1-" + salt, "moved-" + salt, 1, "other", 1), "APPLIED");
  send(AddFrom("m2-" + salt, "moved-" + salt, 2, "other", 1), "APPLIED");
  SourceCursor cursor;
  cursor.name = "moved-" + salt;
  cursor.position = 10;
  cursor.incarnation = "again";
  EXPECT_TRUE(ledger->SetSource(cursor).ok());
  Change moved = AddFrom("m11-" + salt, "moved-" + salt, 11, "other", 1);
  moved.source->incarnation = "again";
  send(moved, "APPLIED");

  // Parked: alone, and through a source.
  send(AddAt("early-" + salt, "waits/" + salt, 2, 1), "PARKED");
  send(At(AddAt("early-from-" + salt, "waits/" + salt, 3, 1), "parks-" + salt, 1), "PARKED");

  // Retired, with a change that names it.
  send(PutAt("period-" + salt, "period-" + salt + "/1", 0, "x"), "APPLIED");
  EXPECT_TRUE(ledger->Retire("period-" + salt + "/").ok());
  send(PutAt("late-" + salt, "period-" + salt + "/2", 0, "x"), "INDETERMINATE");
  return sent;
}

// Everything that a ledger shows without its history, line by line.
inline std::vector<std::string> ShowHeads(Ledger* ledger) {
  std::vector<std::string> lines;
  ScanOptions scan;
  scan.include_deleted = true;
  scan.fresh = true;
  EXPECT_TRUE(ledger
                  ->Scan(scan,
                         [&](const Entity& entity) {
                           lines.push_back(ToJson(entity));
                           return true;
                         })
                  .ok());
  auto sources = ledger->ListSources();
  auto parked = ledger->ListParked({0, 0, ""});
  auto letters = ledger->ListDeadLetters({0, 0, ""});
  auto retired = ledger->ListRetired();
  EXPECT_TRUE(sources.ok() && parked.ok() && letters.ok() && retired.ok());
  for (const SourceCursor& source : *sources) lines.push_back(ToJson(source));
  for (const ParkedChange& change : *parked) lines.push_back(ToJson(change));
  for (const DeadLetter& letter : *letters) lines.push_back(ToJson(letter));
  for (const std::string& prefix : *retired) lines.push_back("retired " + prefix);
  return lines;
}

// The journal that it retains.
inline std::vector<std::string> ShowJournal(Ledger* ledger) {
  std::vector<std::string> lines;
  auto end = ledger->ReadJournal(0, [&](const JournalEntry& entry) {
    lines.push_back(ToJson(entry));
    return true;
  });
  EXPECT_TRUE(end.ok()) << end.status();
  return lines;
}

// What each change is answered when it is sent again.
inline std::vector<std::string> ShowRedelivery(Ledger* ledger, const std::vector<Change>& sent) {
  std::vector<std::string> lines;
  for (const Change& change : sent) {
    auto outcome = ledger->Apply(change);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    if (outcome.ok()) lines.push_back(ToJson(change, *outcome));
  }
  return lines;
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_LEDGER_STORY_H_
