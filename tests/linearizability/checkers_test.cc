// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Both checkers on histories whose answer is known.

#include "gtest/gtest.h"
#include "tests/linearizability/history.h"

namespace semel::testing {
namespace {

using Kind = Operation::Kind;
using Answer = Operation::Answer;

Operation Made(Kind kind, Answer answer, uint64_t called, uint64_t returned, Operation::Touch touch) {
  Operation operation;
  operation.kind = kind;
  operation.answer = answer;
  operation.called = called;
  operation.returned = returned;
  operation.touches = 1;
  operation.touch[0] = touch;
  return operation;
}

Operation Move(uint64_t called, uint64_t returned, int64_t amount, AccountState made, int account = 0) {
  return Made(Kind::kMove, Answer::kApplied, called, returned, {account, amount, made});
}

Operation Read(uint64_t called, uint64_t returned, AccountState seen, int account = 0) {
  return Made(Kind::kRead, Answer::kShown, called, returned, {account, 0, seen});
}

Operation Add(uint64_t called, uint64_t returned, uint64_t expected, int64_t amount, Answer answer, AccountState seen) {
  Operation operation = Made(Kind::kAdd, answer, called, returned, {0, amount, seen});
  operation.expected = expected;
  return operation;
}

Operation And(Operation operation, Operation::Touch touch) {
  operation.touch[operation.touches++] = touch;
  return operation;
}

void ExpectGood(const History& history) {
  EXPECT_EQ(CheckByVersions(history, 2), "");
  EXPECT_TRUE(CheckBySearch(history, 2));
}

void ExpectBad(const History& history) {
  EXPECT_NE(CheckByVersions(history, 2), "");
  EXPECT_FALSE(CheckBySearch(history, 2));
}

TEST(Checkers, Empty) { ExpectGood({}); }

TEST(Checkers, ReadBesideAWrite_MaySeeEither) {
  ExpectGood({Move(1, 4, 5, {1, 5}), Read(2, 3, {0, 0})});
  ExpectGood({Move(1, 4, 5, {1, 5}), Read(2, 3, {1, 5})});
}

TEST(Checkers, ReadAfterAWrite_MustSeeIt) {
  ExpectGood({Move(1, 2, 5, {1, 5}), Read(3, 4, {1, 5})});
  ExpectBad({Move(1, 2, 5, {1, 5}), Read(3, 4, {0, 0})});
}

TEST(Checkers, ReadBeforeAWrite_MustNotSeeIt) { ExpectBad({Read(1, 2, {1, 5}), Move(3, 4, 5, {1, 5})}); }

TEST(Checkers, TwoReads_MustNotGoBack) { ExpectBad({Move(1, 9, 5, {1, 5}), Read(2, 3, {1, 5}), Read(4, 5, {0, 0})}); }

TEST(Checkers, LostUpdate) { ExpectBad({Move(1, 4, 5, {1, 5}), Move(2, 3, 7, {1, 7})}); }

TEST(Checkers, DoubledEffect) { ExpectBad({Move(1, 2, 5, {1, 5}), Read(3, 4, {2, 10})}); }

TEST(Checkers, WrongBalance) { ExpectBad({Move(1, 2, 5, {1, 6})}); }

TEST(Checkers, VersionsAgainstTime) { ExpectBad({Move(1, 2, 5, {2, 12}), Move(3, 4, 7, {1, 7})}); }

TEST(Checkers, CompareAndSet) {
  ExpectGood({Add(1, 4, 0, 5, Answer::kApplied, {1, 5}), Add(2, 3, 0, 7, Answer::kConflict, {1, 5})});
  ExpectBad({Add(1, 4, 0, 5, Answer::kConflict, {0, 0})});
  ExpectBad({Move(1, 2, 5, {1, 5}), Add(3, 4, 0, 7, Answer::kApplied, {2, 12})});
}

TEST(Checkers, TornTransfer) {
  const Operation transfer = And(Move(1, 8, -5, {1, -5}, 0), {1, 5, {1, 5}});
  ExpectGood({transfer, And(Read(2, 3, {0, 0}, 0), {1, 0, {0, 0}})});
  ExpectGood({transfer, And(Read(2, 3, {1, -5}, 0), {1, 0, {1, 5}})});
  ExpectBad({transfer, And(Read(2, 3, {1, -5}, 0), {1, 0, {0, 0}})});
}

TEST(Checkers, TwoReadersThatSeeTwoWritesInOppositeOrders) {
  const Operation first = Move(1, 20, 5, {1, 5}, 0);
  const Operation second = Move(2, 21, 7, {1, 7}, 1);
  ExpectBad({first, second, And(Read(3, 4, {1, 5}, 0), {1, 0, {0, 0}}), And(Read(5, 6, {0, 0}, 0), {1, 0, {1, 7}})});
}

TEST(Checkers, Unanswered_MayHaveHappenedOrNot_AlsoLater) {
  Operation unanswered = Move(1, 0, 5, {});
  unanswered.answer = Answer::kUnknown;
  EXPECT_TRUE(CheckBySearch({unanswered, Read(2, 3, {0, 0})}, 1));
  EXPECT_TRUE(CheckBySearch({unanswered, Read(2, 3, {1, 5})}, 1));
  EXPECT_TRUE(CheckBySearch({unanswered, Read(2, 3, {0, 0}), Read(4, 5, {1, 5})}, 1));
  EXPECT_FALSE(CheckBySearch({unanswered, Read(2, 3, {1, 5}), Read(4, 5, {0, 0})}, 1));
  EXPECT_FALSE(CheckBySearch({unanswered, Read(2, 3, {2, 10})}, 1));
  ExpectGood({Move(1, 0, 5, {1, 5}), Read(2, 3, {0, 0}), Read(4, 5, {1, 5})});  // as it is resolved
}

}  // namespace
}  // namespace semel::testing
