// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The change table as data, against Combine, for every list of one to four judgements. Exactly one row must match each.

#include <string>
#include <vector>

#include "engine/rules/classify.h"
#include "gtest/gtest.h"

namespace semel::internal {
namespace {

// D applied, same content; d applied, other content; O out of reach; S superseded; T taken for good; B balance differs;
// G ahead; M holds; N unconditional; f check fails; c check holds.
constexpr char kLetters[] = "DdOSTBGMNfc";
const Fingerprint kMine{1, 2};

struct Row {
  const char* says;
  std::string some;  // at least one judgement is one of these ("": no demand)
  std::string with;  // and one is one of these ("": no demand)
  std::string none;  // no judgement is one of these
  OutcomeCode code;
  Conflict conflict = Conflict::kNone;
};

const std::vector<Row>& Table() {
  static const auto* const kTable = new std::vector<Row>{
      {"applied before", "D", "", "", OutcomeCode::kDuplicate},
      {"applied before with other content only", "d", "", "D", OutcomeCode::kIdReused},
      {"some evidence is lost", "O", "", "Dd", OutcomeCode::kIndeterminate},
      {"every advancing update is superseded", "S", "", "DdOMGTBN", OutcomeCode::kSuperseded},
      {"some are superseded, others not", "S", "MGTBN", "DdO", OutcomeCode::kConflict, Conflict::kPartlySuperseded},
      {"another has the version", "T", "", "DdOS", OutcomeCode::kConflict, Conflict::kTaken},
      {"the balance differs", "B", "", "DdOST", OutcomeCode::kConflict, Conflict::kBalanceDiffers},
      {"not there yet", "G", "", "DdOSTB", OutcomeCode::kEarly},
      {"a check fails", "f", "", "DdOSTBG", OutcomeCode::kConflict, Conflict::kCheckFailed},
      {"all hold", "", "", "DdOSTBGf", OutcomeCode::kApplied},
  };
  return *kTable;
}

bool HasAny(const std::string& letters, const std::string& of) {
  return letters.find_first_of(of) != std::string::npos;
}

bool Matches(const Row& row, const std::string& letters) {
  return (row.some.empty() || HasAny(letters, row.some)) && (row.with.empty() || HasAny(letters, row.with)) &&
         !HasAny(letters, row.none);
}

Judgement JudgementOf(char letter, size_t i) {
  Judgement judgement;
  judgement.awaits = 50 + i;
  judgement.evidence.sequence = 70 + i;
  switch (letter) {
    case 'D':
      judgement.verdict = Verdict::kApplied;
      judgement.evidence.fingerprint = kMine;
      break;
    case 'd':
      judgement.verdict = Verdict::kApplied;
      judgement.evidence.fingerprint = {1, 3};
      break;
    case 'T':
    case 'B':
      judgement.verdict = Verdict::kTaken;
      judgement.conflict = letter == 'T' ? Conflict::kTaken : Conflict::kBalanceDiffers;
      break;
    case 'O':
      judgement.verdict = Verdict::kOutOfReach;
      break;
    case 'S':
      judgement.verdict = Verdict::kSuperseded;
      break;
    case 'G':
      judgement.verdict = Verdict::kAhead;
      break;
    case 'M':
      judgement.verdict = Verdict::kHolds;
      break;
    case 'N':
      judgement.verdict = Verdict::kUnconditional;
      break;
    case 'f':
      judgement.verdict = Verdict::kCheckFails;
      break;
    default:
      judgement.verdict = Verdict::kCheckHolds;
  }
  return judgement;
}

const Row* OnlyRow(const std::string& letters) {
  const Row* only = nullptr;
  for (const Row& row : Table()) {
    if (!Matches(row, letters)) continue;
    EXPECT_EQ(only, nullptr) << letters << ": " << row.says;
    only = &row;
  }
  EXPECT_NE(only, nullptr) << letters;
  return only;
}

void CheckCombine(const std::string& letters) {
  const Row* row = OnlyRow(letters);
  ASSERT_NE(row, nullptr);
  std::vector<Judgement> judgements;
  for (size_t i = 0; i < letters.size(); ++i) judgements.push_back(JudgementOf(letters[i], i));
  const Decision decision = Combine(judgements, kMine);
  ASSERT_EQ(decision.code, row->code) << letters << ": " << row->says;
  EXPECT_EQ(decision.conflict, row->conflict) << letters;
  EXPECT_EQ(decision.rule, Rule::kNone);
  const size_t decisive = row->some.empty() ? 0 : letters.find_first_of(row->some);
  EXPECT_EQ(decision.update, decisive) << letters;
  EXPECT_EQ(decision.awaits, row->code == OutcomeCode::kEarly ? 50 + decisive : 0) << letters;
  const bool proven = row->code == OutcomeCode::kDuplicate || row->code == OutcomeCode::kIdReused;
  ASSERT_EQ(decision.evidence.has_value(), proven) << letters;
  if (proven) {
    EXPECT_EQ(decision.evidence->sequence, 70 + decisive) << letters;
  }
}

void CheckAllFrom(const std::string& letters, size_t length_max) {
  if (!letters.empty()) CheckCombine(letters);
  if (letters.size() == length_max) return;
  for (const char letter : std::string(kLetters)) CheckAllFrom(letters + letter, length_max);
}

TEST(Combine, EveryListOfUpToFourJudgements_MatchesExactlyOneRowOfTheTable) { CheckAllFrom("", 4); }

}  // namespace
}  // namespace semel::internal
