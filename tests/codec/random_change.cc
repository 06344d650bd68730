// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/codec/random_change.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>

namespace semel::testing {
namespace {

// Small numbers, any number, and the edges.
uint64_t RandomUint64(Random& random) {
  switch (random.Below(4)) {
    case 0:
      return random.Below(10);
    case 1:
      return std::numeric_limits<uint64_t>::max() - random.Below(3);
    case 2:
      return (uint64_t{1} << random.Below(64)) - random.Below(2);
    default:
      return random.Next();
  }
}

Amount RandomAmount(Random& random) {
  switch (random.Below(4)) {
    case 0:
      return absl::Int128Max() - static_cast<int>(random.Below(3));
    case 1:
      return absl::Int128Min() + static_cast<int>(random.Below(3));
    case 2:
      return static_cast<int64_t>(random.Next());
    default:
      return absl::MakeInt128(static_cast<int64_t>(random.Next()), random.Next());
  }
}

// UTF-8 with what needs care in JSON: quotes, control characters, NUL, two to four bytes, separators of lines.
std::string RandomText(Random& random, size_t max_pieces) {
  static const std::string kPieces[] = {
      "a",      "Z9",     "/",          "\"",     "\\", "\n", "\t", std::string(1, '\0'), "\x1f", "\x7f",
      "\u00e9", "\u20ac", "\U0001F600", "\u2028", "{",  ",",  " "};
  std::string text = "k";
  for (size_t i = random.Below(max_pieces); i > 0; --i) text += kPieces[random.Below(std::size(kPieces))];
  return text;
}

Policy RandomPolicy(Random& random) {
  Policy policy;
  if (random.OneIn(2)) policy.asset = RandomText(random, 4);
  if (random.OneIn(2)) policy.min_balance = RandomAmount(random);
  if (random.OneIn(2)) policy.max_balance = RandomAmount(random);
  if (random.OneIn(2)) policy.closed = random.OneIn(2);
  return policy;
}

void ChooseAction(Random& random, Update* update) {
  switch (random.Below(5)) {
    case 0:
      update->Add(RandomAmount(random), random.OneIn(2) ? RandomText(random, 3) : "");
      break;
    case 1:
      update->Put(random.Bytes(random.Below(50)));
      break;
    case 2:
      update->Delete();
      break;
    case 3:
      update->Check();
      break;
    default:
      update->SetPolicy(RandomPolicy(random));
      break;
  }
}

void ChoosePrecondition(Random& random, Update* update) {
  if (random.OneIn(3)) update->Since(RandomUint64(random));
  switch (random.Below(4)) {
    case 0:
      update->ExpectVersion(RandomUint64(random));
      break;
    case 1:
      update->ExpectBalance(RandomAmount(random));
      break;
    case 2:
      update->Newer(RandomUint64(random));
      break;
    default:
      break;
  }
}

SourcePosition RandomSource(Random& random) {
  SourcePosition source;
  source.name = RandomText(random, 6);
  source.position = RandomUint64(random);
  if (random.OneIn(2)) source.previous = RandomUint64(random);
  if (random.OneIn(2)) source.incarnation = RandomText(random, 4);
  if (random.OneIn(4)) source.window = static_cast<uint32_t>(random.Next());
  return source;
}

bool SameUpdate(const Update& a, const Update& b) {
  return a.key == b.key && a.expect_version == b.expect_version && a.since == b.since &&
         a.expect_balance == b.expect_balance && a.newer == b.newer && a.action == b.action && a.amount == b.amount &&
         a.asset == b.asset && a.value == b.value && a.policy == b.policy;
}

bool SameSource(const SourcePosition& a, const SourcePosition& b) {
  return a.name == b.name && a.position == b.position && a.previous == b.previous && a.incarnation == b.incarnation &&
         a.window == b.window;
}

}  // namespace

Change RandomChange(Random& random) {
  Change change(random.OneIn(8) ? "" : RandomText(random, 8));
  if (random.OneIn(2)) change.source = RandomSource(random);
  change.balanced = random.OneIn(4);
  for (size_t i = random.Below(5); i > 0; --i) {
    Update& update = change.AddUpdate(RandomText(random, 10));
    ChoosePrecondition(random, &update);
    ChooseAction(random, &update);
  }
  return change;
}

bool SameChange(const Change& a, const Change& b) {
  if (a.id != b.id || a.balanced != b.balanced || a.source.has_value() != b.source.has_value()) return false;
  if (a.source.has_value() && !SameSource(*a.source, *b.source)) return false;
  return std::equal(a.updates.begin(), a.updates.end(), b.updates.begin(), b.updates.end(), SameUpdate);
}

}  // namespace semel::testing
