// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The verdict table as data, against Judge, in every small world: up to three versions, each entry of the past mine,
// another's or lost, every precondition about them. Exactly one row must match each situation.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "engine/rules/classify.h"
#include "gtest/gtest.h"
#include "tests/rules/fake_history.h"

namespace semel::internal {
namespace {

enum class Kind { kNothing, kVersion, kBalance, kSince, kNewer, kCheckVersion, kCheckBalance };
enum class Place { kBehind, kEqual, kAhead };  // of what is expected, against what is there
enum class Proof { kNone, kNextEntry, kFoundEntry, kNewestEntry, kStampSetter };

// What is so. In a row of the table, what is left open does not matter.
struct Situation {
  std::optional<Kind> kind = {};
  std::optional<Place> expected = {};         // the version or stamp; a balance is kEqual or kBehind
  std::optional<Place> since = {};            // kEqual: reached (at or below the current version); no since: kBehind
  std::optional<bool> next_is_mine = {};      // kVersion behind: the entry that took the version has my id
  std::optional<bool> next_is_readable = {};  // likewise
  std::optional<bool> found = {};             // my id is in the entries asked about, as far as they are read
  std::optional<bool> all_read = {};          // all of the entries asked about
  std::optional<bool> newest_is_mine = {};
  std::optional<bool> sourced = {};
  std::optional<bool> setter_is_mine = {};         // kNewer
  std::optional<bool> setter_means_the_same = {};  // kNewer
  std::optional<bool> stamped_only = {};           // kNewer
};

struct Row {
  const char* says;
  Situation when;
  Verdict verdict;
  bool exact = false;
  Proof proof = Proof::kNone;
};

constexpr bool kYes = true;
constexpr bool kNo = false;

const std::vector<Row>& Table() {
  static const auto* const kTable = new std::vector<Row>{
      {"no precondition: nothing is said", {.kind = Kind::kNothing}, Verdict::kUnconditional},

      {"a version behind whose next entry is mine: applied, exactly there",
       {.kind = Kind::kVersion, .expected = Place::kBehind, .next_is_mine = kYes},
       Verdict::kApplied,
       true,
       Proof::kNextEntry},
      {"a version behind, the next is not mine, but since finds me: applied",
       {.kind = Kind::kVersion, .expected = Place::kBehind, .next_is_mine = kNo, .found = kYes},
       Verdict::kApplied,
       false,
       Proof::kFoundEntry},
      {"a version behind, the next cannot be read: out of reach",
       {.kind = Kind::kVersion, .expected = Place::kBehind, .next_is_mine = kNo, .next_is_readable = kNo, .found = kNo},
       Verdict::kOutOfReach},
      {"a version behind, another has it, since cannot read all: out of reach",
       {.kind = Kind::kVersion,
        .expected = Place::kBehind,
        .next_is_mine = kNo,
        .next_is_readable = kYes,
        .found = kNo,
        .all_read = kNo},
       Verdict::kOutOfReach},
      {"a version behind, another has it, I am nowhere: taken",
       {.kind = Kind::kVersion,
        .expected = Place::kBehind,
        .next_is_mine = kNo,
        .next_is_readable = kYes,
        .found = kNo,
        .all_read = kYes},
       Verdict::kTaken},
      {"a version ahead, since finds me: applied",
       {.kind = Kind::kVersion, .expected = Place::kAhead, .found = kYes},
       Verdict::kApplied,
       false,
       Proof::kFoundEntry},
      {"a version ahead, since cannot read all: out of reach",
       {.kind = Kind::kVersion, .expected = Place::kAhead, .found = kNo, .all_read = kNo},
       Verdict::kOutOfReach},
      {"a version ahead: not there yet",
       {.kind = Kind::kVersion, .expected = Place::kAhead, .found = kNo, .all_read = kYes},
       Verdict::kAhead,
       true},
      {"the current version, since finds me: applied",
       {.kind = Kind::kVersion, .expected = Place::kEqual, .found = kYes},
       Verdict::kApplied,
       false,
       Proof::kFoundEntry},
      {"the current version, which I made: applied",
       {.kind = Kind::kVersion, .expected = Place::kEqual, .found = kNo, .newest_is_mine = kYes},
       Verdict::kApplied,
       false,
       Proof::kNewestEntry},
      {"the current version, since cannot read all: out of reach",
       {.kind = Kind::kVersion, .expected = Place::kEqual, .found = kNo, .all_read = kNo, .newest_is_mine = kNo},
       Verdict::kOutOfReach},
      {"the current version: holds",
       {.kind = Kind::kVersion, .expected = Place::kEqual, .found = kNo, .all_read = kYes, .newest_is_mine = kNo},
       Verdict::kHolds,
       true},

      {"a balance, and I am in the past: applied",
       {.kind = Kind::kBalance, .found = kYes},
       Verdict::kApplied,
       false,
       Proof::kFoundEntry},
      {"a balance since a version ahead: not there yet",
       {.kind = Kind::kBalance, .since = Place::kAhead, .found = kNo},
       Verdict::kAhead},
      {"a balance, the past cannot be read and no source stands in: out of reach",
       {.kind = Kind::kBalance, .since = Place::kBehind, .found = kNo, .all_read = kNo, .sourced = kNo},
       Verdict::kOutOfReach},
      {"a balance since a version, what is after it cannot be read: out of reach, source or not",
       {.kind = Kind::kBalance, .since = Place::kEqual, .found = kNo, .all_read = kNo},
       Verdict::kOutOfReach},
      {"a balance that is there, the past unread but a source stands in: holds",
       {.kind = Kind::kBalance,
        .expected = Place::kEqual,
        .since = Place::kBehind,
        .found = kNo,
        .all_read = kNo,
        .sourced = kYes},
       Verdict::kHolds},
      {"a balance that is not there, the past unread but a source stands in: taken",
       {.kind = Kind::kBalance,
        .expected = Place::kBehind,
        .since = Place::kBehind,
        .found = kNo,
        .all_read = kNo,
        .sourced = kYes},
       Verdict::kTaken},
      {"a balance that is there, after the whole past: holds",
       {.kind = Kind::kBalance, .expected = Place::kEqual, .since = Place::kBehind, .found = kNo, .all_read = kYes},
       Verdict::kHolds},
      {"a balance that is there, after all since: holds",
       {.kind = Kind::kBalance, .expected = Place::kEqual, .since = Place::kEqual, .found = kNo, .all_read = kYes},
       Verdict::kHolds},
      {"a balance that is not there, after the whole past: taken",
       {.kind = Kind::kBalance, .expected = Place::kBehind, .since = Place::kBehind, .found = kNo, .all_read = kYes},
       Verdict::kTaken},
      {"a balance that is not there, after all since: taken",
       {.kind = Kind::kBalance, .expected = Place::kBehind, .since = Place::kEqual, .found = kNo, .all_read = kYes},
       Verdict::kTaken},

      {"since a version ahead: not there yet", {.kind = Kind::kSince, .since = Place::kAhead}, Verdict::kAhead},
      {"since finds me: applied",
       {.kind = Kind::kSince, .since = Place::kEqual, .found = kYes},
       Verdict::kApplied,
       false,
       Proof::kFoundEntry},
      {"since cannot read all: out of reach",
       {.kind = Kind::kSince, .since = Place::kEqual, .found = kNo, .all_read = kNo},
       Verdict::kOutOfReach},
      {"since reads all and I am not there: holds",
       {.kind = Kind::kSince, .since = Place::kEqual, .found = kNo, .all_read = kYes},
       Verdict::kHolds},

      {"a newer stamp: holds", {.kind = Kind::kNewer, .expected = Place::kAhead}, Verdict::kHolds},
      {"an older stamp: superseded", {.kind = Kind::kNewer, .expected = Place::kBehind}, Verdict::kSuperseded},
      {"my stamp: applied",
       {.kind = Kind::kNewer, .expected = Place::kEqual, .setter_is_mine = kYes},
       Verdict::kApplied,
       false,
       Proof::kStampSetter},
      {"another's stamp with my content, and nothing unstamped hangs on it: applied",
       {.kind = Kind::kNewer,
        .expected = Place::kEqual,
        .setter_is_mine = kNo,
        .setter_means_the_same = kYes,
        .stamped_only = kYes},
       Verdict::kApplied,
       false,
       Proof::kStampSetter},
      {"another's stamp with my content, but more hangs on it: taken",
       {.kind = Kind::kNewer,
        .expected = Place::kEqual,
        .setter_is_mine = kNo,
        .setter_means_the_same = kYes,
        .stamped_only = kNo},
       Verdict::kTaken},
      {"another's stamp with other content: taken",
       {.kind = Kind::kNewer, .expected = Place::kEqual, .setter_is_mine = kNo, .setter_means_the_same = kNo},
       Verdict::kTaken},

      {"a check of a version ahead: not there yet",
       {.kind = Kind::kCheckVersion, .expected = Place::kAhead},
       Verdict::kAhead},
      {"a check of the current version: holds",
       {.kind = Kind::kCheckVersion, .expected = Place::kEqual},
       Verdict::kCheckHolds},
      {"a check of a version behind: fails",
       {.kind = Kind::kCheckVersion, .expected = Place::kBehind},
       Verdict::kCheckFails},
      {"a check of the balance that is there: holds",
       {.kind = Kind::kCheckBalance, .expected = Place::kEqual},
       Verdict::kCheckHolds},
      {"a check of another balance: fails",
       {.kind = Kind::kCheckBalance, .expected = Place::kBehind},
       Verdict::kCheckFails},
  };
  return *kTable;
}

template <typename T>
bool Fits(const std::optional<T>& wanted, const std::optional<T>& is) {
  return !wanted || (is && *wanted == *is);
}

bool Fits(const Situation& row, const Situation& is) {
  return Fits(row.kind, is.kind) && Fits(row.expected, is.expected) && Fits(row.since, is.since) &&
         Fits(row.next_is_mine, is.next_is_mine) && Fits(row.next_is_readable, is.next_is_readable) &&
         Fits(row.found, is.found) && Fits(row.all_read, is.all_read) && Fits(row.newest_is_mine, is.newest_is_mine) &&
         Fits(row.sourced, is.sourced) && Fits(row.setter_is_mine, is.setter_is_mine) &&
         Fits(row.setter_means_the_same, is.setter_means_the_same) && Fits(row.stamped_only, is.stamped_only);
}

enum class Owner { kMine, kOther, kLost };

// One small world and one update put to it.
struct World {
  std::vector<Owner> past;  // past[v - 1] made version v; the newest is never lost
  uint64_t lookback = 1;
  std::optional<Stamp> stamp;
  bool stamped_only = false;
  Change change;

  uint64_t version() const { return past.size(); }
  const Update& update() const { return change.updates[0]; }
};

const Identity& Me() {
  static const Identity* const kMe = new Identity{MakeIdTag("me", 0), {7, 7}};
  return *kMe;
}

EntryRef RefAt(uint64_t version, Owner owner) {
  return {owner == Owner::kMine ? Me().id : MakeIdTag("another", 0), {9, version}, 1000 + version, version};
}

constexpr Amount kBalance = 100;
constexpr uint64_t kStampValue = 5;
constexpr uint64_t kSetterSequence = 77;

// Answers of the table's questions about one world, each from its own words.
class Facts {
 public:
  explicit Facts(const World& world) : world_(world) { Read(); }

  Situation situation() const {
    Situation is;
    is.kind = KindOf(world_.update());
    is.expected = Expected();
    is.since = !world_.update().since                      ? Place::kBehind
               : *world_.update().since > world_.version() ? Place::kAhead
                                                           : Place::kEqual;
    const std::optional<Owner> next = Next();
    is.next_is_mine = next == Owner::kMine;
    is.next_is_readable = next && next != Owner::kLost;
    is.found = found_ != 0;
    is.all_read = all_read_;
    is.newest_is_mine = world_.version() > 0 && world_.past.back() == Owner::kMine;
    is.sourced = world_.change.source.has_value();
    is.setter_is_mine = world_.stamp && world_.stamp->setter.id == Me().id;
    is.setter_means_the_same = world_.stamp && world_.stamp->setter.fingerprint == Me().fingerprint;
    is.stamped_only = world_.stamped_only;
    return is;
  }

  // The sequence of the entry that proves it.
  uint64_t SequenceOf(Proof proof) const {
    switch (proof) {
      case Proof::kNone:
        return 0;
      case Proof::kNextEntry:
        return *world_.update().expect_version + 1;
      case Proof::kFoundEntry:
        return found_;
      case Proof::kNewestEntry:
        return world_.version();
      case Proof::kStampSetter:
        return kSetterSequence;
    }
    return 0;
  }

 private:
  static Kind KindOf(const Update& update) {
    if (update.action == Action::kCheck) return update.expect_version ? Kind::kCheckVersion : Kind::kCheckBalance;
    if (update.expect_version) return Kind::kVersion;
    if (update.expect_balance) return Kind::kBalance;
    if (update.newer) return Kind::kNewer;
    return update.since ? Kind::kSince : Kind::kNothing;
  }

  Place Expected() const {
    const Update& update = world_.update();
    if (update.expect_balance) return *update.expect_balance == kBalance ? Place::kEqual : Place::kBehind;
    const uint64_t there = update.newer ? kStampValue : world_.version();
    if (update.newer && !world_.stamp) return Place::kAhead;
    const uint64_t expected = update.newer ? *update.newer : update.expect_version.value_or(there);
    return expected < there ? Place::kBehind : expected == there ? Place::kEqual : Place::kAhead;
  }

  std::optional<Owner> Next() const {
    const std::optional<uint64_t> expected = world_.update().expect_version;
    if (!expected || *expected >= world_.version()) return std::nullopt;
    return world_.past[*expected];
  }

  // Reads the entries that the update asks about.
  void Read() {
    const Update& update = world_.update();
    if (update.action == Action::kCheck) return;
    const bool since_reached = update.since && *update.since <= world_.version();
    if (!since_reached && !update.expect_balance) return;
    const uint64_t after = since_reached ? *update.since : 0;
    uint64_t read = 0;
    for (uint64_t version = world_.version(); version > after; --version) {
      if (read++ == world_.lookback || world_.past[version - 1] == Owner::kLost) {
        all_read_ = false;
        return;
      }
      if (world_.past[version - 1] != Owner::kMine) continue;
      found_ = version;
      return;
    }
  }

  const World& world_;
  uint64_t found_ = 0;
  bool all_read_ = true;
};

absl::StatusOr<Judgement> JudgeIn(const World& world) {
  Head head = HeadAt(world.version(), kBalance);
  FakeHistory history;
  history.past.resize(1);
  for (uint64_t version = 1; version <= world.version(); ++version) {
    const Owner owner = world.past[version - 1];
    const EntryRef ref = RefAt(version, owner);
    history.past[0].push_back(owner == Owner::kLost ? std::nullopt : std::optional<EntryRef>(ref));
    head.last = ref;
  }
  auto extras = std::make_shared<HeadExtras>();
  extras->stamp = world.stamp;
  head.extras = extras;
  DecidingOptions options;
  options.balance_lookback = static_cast<uint32_t>(world.lookback);
  return Judge(world.change, 0, Me(), head, options, world.stamped_only, history);
}

// Puts each world to the table and to Judge.
class TableCheck {
 public:
  TableCheck() : hits_(Table().size()) {}

  void Check(const World& world) {
    const Facts facts(world);
    const Row* row = OnlyRow(facts.situation());
    ASSERT_NE(row, nullptr);
    const absl::StatusOr<Judgement> judgement = JudgeIn(world);
    ASSERT_TRUE(judgement.ok());
    ASSERT_EQ(judgement->verdict, row->verdict) << row->says;
    EXPECT_EQ(judgement->exact, row->exact) << row->says;
    EXPECT_EQ(judgement->evidence.sequence, facts.SequenceOf(row->proof)) << row->says;
    if (row->verdict == Verdict::kAhead) {
      EXPECT_EQ(judgement->awaits, world.update().expect_version.value_or(world.update().since.value_or(0)));
    }
    if (row->verdict == Verdict::kTaken) {
      EXPECT_EQ(judgement->conflict, row->when.kind == Kind::kBalance ? Conflict::kBalanceDiffers : Conflict::kTaken);
    }
    ++worlds_;
  }

  void ExpectEveryRowWasMet() const {
    for (size_t i = 0; i < hits_.size(); ++i) EXPECT_GT(hits_[i], 0) << Table()[i].says;
  }
  int worlds() const { return worlds_; }

 private:
  const Row* OnlyRow(const Situation& is) {
    const Row* only = nullptr;
    for (size_t i = 0; i < Table().size(); ++i) {
      if (!Fits(Table()[i].when, is)) continue;
      EXPECT_EQ(only, nullptr) << "two rows: " << only->says << "; " << Table()[i].says;
      only = &Table()[i];
      ++hits_[i];
    }
    EXPECT_NE(only, nullptr) << "no row matches";
    return only;
  }

  std::vector<int> hits_;
  int worlds_ = 0;
};

// Every past of up to three entries.
std::vector<std::vector<Owner>> Pasts() {
  constexpr std::array<Owner, 3> kOwners = {Owner::kMine, Owner::kOther, Owner::kLost};
  std::vector<std::vector<Owner>> pasts = {{}};
  std::vector<std::vector<Owner>> longest = {{}};
  for (int length = 1; length <= 3; ++length) {
    std::vector<std::vector<Owner>> longer;
    for (const std::vector<Owner>& past : longest) {
      for (const Owner owner : kOwners) {
        longer.push_back(past);
        longer.back().push_back(owner);
      }
    }
    longest = longer;
    for (const std::vector<Owner>& past : longest) {
      if (past.back() != Owner::kLost) pasts.push_back(past);
    }
  }
  return pasts;
}

// Every update of each kind that means something in a world of up to three versions.
std::vector<Update> Updates() {
  std::vector<Update> updates;
  const auto add = [&](Kind kind, uint64_t expected, std::optional<uint64_t> since) {
    Update update;
    update.key = "k";
    update.since = since;
    update.Add(1);
    if (kind == Kind::kVersion || kind == Kind::kCheckVersion) update.ExpectVersion(expected);
    if (kind == Kind::kBalance || kind == Kind::kCheckBalance) update.ExpectBalance(expected == 0 ? kBalance : 1);
    if (kind == Kind::kNewer) update.Newer(kStampValue - 1 + expected).Put("x");
    if (kind == Kind::kCheckVersion || kind == Kind::kCheckBalance) update.Check();
    updates.push_back(update);
  };
  add(Kind::kNothing, 0, std::nullopt);
  for (uint64_t expected = 0; expected <= 5; ++expected) {
    add(Kind::kCheckVersion, expected, std::nullopt);
    add(Kind::kVersion, expected, std::nullopt);
    for (uint64_t since = 0; since <= expected; ++since) add(Kind::kVersion, expected, since);
    add(Kind::kSince, 0, expected);
  }
  for (uint64_t other = 0; other <= 1; ++other) {
    add(Kind::kCheckBalance, other, std::nullopt);
    add(Kind::kBalance, other, std::nullopt);
    for (uint64_t since = 0; since <= 5; ++since) add(Kind::kBalance, other, since);
  }
  for (uint64_t place = 0; place <= 2; ++place) add(Kind::kNewer, place, std::nullopt);
  return updates;
}

std::vector<std::optional<Stamp>> Stamps() {
  std::vector<std::optional<Stamp>> stamps = {std::nullopt};
  for (const Owner owner : {Owner::kMine, Owner::kOther}) {
    for (const bool same : {false, true}) {
      Stamp stamp;
      stamp.value = kStampValue;
      stamp.setter = RefAt(1, owner);
      stamp.setter.sequence = kSetterSequence;
      if (same) stamp.setter.fingerprint = Me().fingerprint;
      stamps.push_back(stamp);
    }
  }
  return stamps;
}

TEST(Judge, EverySmallWorld_MatchesExactlyOneRowOfTheTable) {
  TableCheck check;
  World world;
  for (const std::vector<Owner>& past : Pasts()) {
    world.past = past;
    for (const Update& update : Updates()) {
      for (const bool sourced : {false, true}) {
        world.change = Change("me");
        world.change.updates = {update};
        if (sourced) world.change.source.emplace();
        for (const uint64_t lookback : {1, 2, 3, 4096}) {
          world.lookback = lookback;
          for (const std::optional<Stamp>& stamp : update.newer ? Stamps() : std::vector<std::optional<Stamp>>(1)) {
            world.stamp = stamp;
            for (const bool stamped_only : {false, true}) {
              world.stamped_only = stamped_only;
              check.Check(world);
              ASSERT_FALSE(HasFailure());
            }
          }
        }
      }
    }
  }
  check.ExpectEveryRowWasMet();
  EXPECT_GT(check.worlds(), 10000);
}

TEST(Judge, CurrentVersionWithoutSince_DoesNotAskTheHistory) {
  Change change("me");
  change.AddUpdate("k").ExpectVersion(1000).Add(1);
  NoHistory history;
  const absl::StatusOr<Judgement> judgement = Judge(change, 0, Me(), HeadAt(1000), {}, false, history);
  ASSERT_TRUE(judgement.ok()) << judgement.status();
  EXPECT_EQ(judgement->verdict, Verdict::kHolds);
}

TEST(Judge, ErrorsOfTheHistory_ArePassedOn) {
  FakeHistory history;
  history.error = absl::DataLossError("broken");
  for (int kind = 0; kind < 3; ++kind) {
    Change change("me");
    Update& update = change.AddUpdate("k").Add(1);
    if (kind == 0) update.ExpectVersion(3);
    if (kind == 1) update.Since(3);
    if (kind == 2) update.ExpectBalance(0);
    EXPECT_EQ(Judge(change, 0, Me(), HeadAt(9), {}, false, history).status().code(), absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace semel::internal
