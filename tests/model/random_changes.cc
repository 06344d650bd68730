// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/model/random_changes.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace semel::testing {
namespace {

constexpr uint32_t kWindow = 8;
constexpr const char* kUpstreamKeys[] = {"U0", "U1", "K0", kPurse};

}  // namespace

void FreshenVersions(const ReferenceModel& model, bool with_since, Change* change) {
  for (Update& update : change->updates) {
    const uint64_t version = model.Latest(update.key).version;
    if (!update.expect_version || update.action == Action::kCheck || version <= *update.expect_version) continue;
    if (with_since && !update.since) update.since = update.expect_version;
    update.expect_version = version;
  }
}

RandomChanges::RandomChanges(uint64_t seed, RandomChangesOptions options) : random_(seed), options_(options) {
  logs_.push_back({.name = "plain"});
  logs_.push_back({.name = "gappy", .incarnation = "first", .dense = false});
  logs_.push_back({.name = "chained", .chained = true, .dense = false});
  if (options.wide) logs_.push_back({.name = "windowed", .window = kWindow});
}

Change RandomChanges::Next(const ReferenceModel& model) {
  ++steps_;
  if (pending_.empty() && random_.OneIn(options_.wide ? 4 : 8)) ReplayLog(model);
  if (options_.wide && pending_.empty() && random_.OneIn(12)) DeliverUpstream(model);
  if (!pending_.empty() && !(options_.wide && random_.OneIn(4))) {
    Change change = std::move(pending_.front());
    pending_.pop_front();
    return change;
  }
  const uint64_t kind = random_.Below(20);
  if (kind == 0) return BrokenMessage(model);
  if (kind == 1) return Unacceptable();
  if (kind == 2) return OtherContent();
  if (kind <= 4) return Rebased(model);
  if (kind <= 9) return Remembered();
  if (kind <= 12) {
    for (int count = options_.wide ? 3 : 1; count > 0; --count) AppendTo(&logs_[random_.Below(logs_.size())], model);
    return Remembered();
  }
  Change change = NewChange(model);
  Remember(change);
  // Some are late: others, made later, overtake them.
  return random_.OneIn(5) ? Remembered() : change;
}

// ---- New intents

Change RandomChanges::NewChange(const ReferenceModel& model) {
  if (options_.wide && random_.OneIn(9)) return Funds(model);
  Change change(NewId());
  const Entity entity = model.Latest(Key());
  switch (random_.Below(options_.wide ? 11 : 8)) {
    case 0:
    case 1:
    case 2:
      AddGuarded(&change, entity);
      break;
    case 3:
    case 4:
      AddTransfer(&change, model);
      break;
    case 5:
      AddChecked(&change, model);
      break;
    case 6:
      AddAdministration(&change, entity);
      break;
    default:
      AddStamped(&change, model);
  }
  return change;
}

// One update with a precondition of some kind.
void RandomChanges::AddGuarded(Change* change, const Entity& entity) {
  Update& update = change->AddUpdate(entity.key);
  switch (random_.Below(6)) {
    case 0:
    case 1:
      update.ExpectVersion(VersionNear(entity));
      SetSomeAction(&update);
      break;
    case 2:
      update.Since(VersionNear(entity)).Add(SomeAmount());
      break;
    case 3:
      update.ExpectBalance(entity.balance).Add(SomeAmount());
      break;
    case 4:
      update.ExpectBalance(random_.OneIn(2) ? entity.balance : SomeAmount()).Since(VersionNear(entity));
      update.Add(SomeAmount());
      break;
    default:
      update.ExpectVersion(VersionNear(entity));
      update.Since(random_.Below(*update.expect_version + 1));
      SetSomeAction(&update);
  }
}

// An amount from one entity to another, guarded by the version of the first, or by a document of its own.
void RandomChanges::AddTransfer(Change* change, const ReferenceModel& model) {
  const Entity from = model.Latest(Key());
  std::string to = Key();
  while (to == from.key) to = options_.keys == 1 ? "other" : Key();
  const Amount amount = random_.Below(50);
  Update& debit = change->AddUpdate(from.key).Add(-amount);
  if (random_.OneIn(2)) {
    debit.ExpectVersion(VersionNear(from));
  } else if (random_.OneIn(3)) {
    debit.Since(from.version);
  } else {
    change->AddUpdate("transfer/" + change->id).ExpectVersion(0).Put("done");
  }
  change->AddUpdate(to).Add(random_.OneIn(15) ? amount + 1 : amount);
  change->balanced = !random_.OneIn(3);
}

void RandomChanges::AddStamped(Change* change, const ReferenceModel& model) {
  const auto add = [&](const std::string& key) {
    const Entity entity = model.Latest(key);
    const uint64_t stamp = entity.stamp.value_or(0) + random_.Below(5);
    Update& update = change->AddUpdate(key).Newer(stamp < 2 ? 0 : stamp - 2);
    random_.OneIn(5) ? update.Delete() : update.Put(random_.OneIn(2) ? "a" : "b");
  };
  const std::string key = Key();
  add(key);
  const std::string other = Key();
  if (other == key) return;
  if (random_.OneIn(3)) add(other);
  if (change->updates.size() == 1 && random_.OneIn(4)) {
    change->AddUpdate(other).ExpectVersion(VersionNear(model.Latest(other))).Add(SomeAmount());
  }
}

// A change that depends on an entity that it leaves as it is.
void RandomChanges::AddChecked(Change* change, const ReferenceModel& model) {
  const bool of_upstream = options_.wide && random_.OneIn(2);
  const Entity checked = model.Latest(of_upstream ? kUpstreamKeys[random_.Below(std::size(kUpstreamKeys))] : Key());
  const Entity moved = model.Latest(checked.key + "/child");
  Update& check = change->AddUpdate(checked.key).Check();
  if (random_.OneIn(2)) {
    check.ExpectVersion(VersionNear(checked));
  } else {
    check.ExpectBalance(random_.OneIn(3) ? SomeAmount() : checked.balance);
  }
  Update& update = change->AddUpdate(moved.key).Add(SomeAmount());
  random_.OneIn(2) ? update.ExpectVersion(VersionNear(moved)) : update.Since(moved.version);
}

void RandomChanges::AddAdministration(Change* change, const Entity& entity) {
  Update& update = change->AddUpdate(entity.key).ExpectVersion(entity.version);
  switch (entity.policy.closed.value_or(false) ? 0 : random_.Below(5)) {
    case 0:
      SetPolicyOf(&update, entity);
      break;
    case 1:
      update.Put("v" + std::to_string(steps_));
      break;
    case 2:
      if (entity.balance > std::numeric_limits<Amount>::min())
        update.Add(-entity.balance);  // so that it may be deleted
      if (entity.policy.asset && options_.wrong_assets && random_.OneIn(3)) update.asset = "XYZ";
      if (entity.policy.asset && random_.OneIn(2)) update.asset = *entity.policy.asset;
      if (update.action == Action::kNone) update.Put("least");
      break;
    default:
      update.Delete();
  }
}

Change RandomChanges::Funds(const ReferenceModel& model) {
  const Entity purse = model.Latest(kPurse);
  Change change(NewId());
  Update& update = change.AddUpdate(kPurse).ExpectVersion(purse.version);
  if (purse.policy.min_balance) {
    update.Add(random_.Below(60));
  } else {
    update.SetPolicy({.min_balance = 0});
  }
  return change;
}

void RandomChanges::SetPolicyOf(Update* update, const Entity& entity) {
  Policy policy;
  switch (entity.policy.closed.value_or(false) ? 3 : random_.Below(4)) {
    case 0:
      policy.min_balance = -static_cast<Amount>(random_.Below(40));
      break;
    case 1:
      policy.max_balance = static_cast<Amount>(random_.Below(400));
      policy.min_balance = std::numeric_limits<Amount>::min();
      break;
    case 2:
      policy.asset = random_.OneIn(4) ? "USD" : "EUR";
      break;
    default:
      policy.closed = !entity.policy.closed.value_or(false);
  }
  update->SetPolicy(policy);
}

void RandomChanges::SetSomeAction(Update* update) {
  switch (random_.Below(6)) {
    case 0:
      update->Put(std::to_string(random_.Below(3)));
      break;
    case 1:
      update->Delete();
      break;
    default:
      update->Add(SomeAmount());
  }
}

// ---- Sources

// Appends a message to the log of a source. Its first delivery comes with a replay.
void RandomChanges::AppendTo(Log* log, const ReferenceModel& model) {
  Change change(random_.OneIn(3) ? "" : NewId());
  FillMessage(&change, model);
  SourcePosition& source = change.source.emplace();
  source.name = log->name;
  source.incarnation = log->incarnation;
  const uint64_t last = log->messages.empty() ? 0 : log->messages.back().source->position;
  source.position = last + (log->dense ? 1 : 1 + random_.Below(4));
  if (log->chained) source.previous = last;
  source.window = log->window;
  log->messages.push_back(std::move(change));
}

void RandomChanges::FillMessage(Change* change, const ReferenceModel& model) {
  const Entity entity = model.Latest(Key());
  const uint64_t kind = random_.Below(options_.wide ? 10 : 4);
  if (kind < 2) {
    change->AddUpdate(entity.key).Add(SomeAmount());
  } else if (kind < 4) {
    AddGuarded(change, entity);
  } else if (kind < 7) {
    change->AddUpdate(kPurse).Add(-static_cast<Amount>(random_.Below(60)));
  } else if (kind == 7) {
    AddStamped(change, model);
  } else {  // what nobody accepts, or an intent that comes another way, too
    const Change other = random_.OneIn(4) ? Unacceptable() : Remembered();
    change->id = other.id;
    change->updates = other.updates;
  }
}

// A consumer reads on, or again, from somewhere near the cursor; it does not wait for what is early.
void RandomChanges::ReplayLog(const ReferenceModel& model) {
  const Log& log = logs_[random_.Below(logs_.size())];
  const std::optional<SourceCursor> cursor = model.LatestSource(log.name);
  size_t next = 0;
  while (next < log.messages.size() && cursor && log.messages[next].source->position <= cursor->position) ++next;
  log.window == 0 ? ReplayInOrder(log, next) : ReplayShuffled(log, next);
}

void RandomChanges::ReplayInOrder(const Log& log, size_t next) {
  const size_t back = random_.OneIn(2) ? 0 : random_.Below(5);
  const size_t skipped = random_.OneIn(12) ? 1 : 0;
  const size_t begin = std::min(next - std::min(next, back) + skipped, log.messages.size());
  const size_t end = std::min(begin + 1 + random_.Below(5), log.messages.size());
  pending_.insert(pending_.end(), log.messages.begin() + static_cast<std::ptrdiff_t>(begin),
                  log.messages.begin() + static_cast<std::ptrdiff_t>(end));
}

// From a little before the cursor to a little beyond the window.
void RandomChanges::ReplayShuffled(const Log& log, size_t next) {
  const size_t begin = next - std::min(next, random_.Below(6));
  const size_t end = std::min<size_t>(next + random_.Between(1, kWindow + 4), log.messages.size());
  for (size_t i = begin; i < end; ++i) {
    const uint64_t at = random_.Below(pending_.size() + 1);
    pending_.insert(pending_.begin() + static_cast<std::ptrdiff_t>(at), log.messages[i]);
  }
}

// A message of a known source with something wrong about its place.
Change RandomChanges::BrokenMessage(const ReferenceModel& model) {
  const Log& log = logs_[random_.Below(logs_.size())];
  if (log.messages.empty() || !model.LatestSource(log.name)) return NewChange(model);
  const size_t recent = std::min<size_t>(log.messages.size(), 6);
  Change change = log.messages[log.messages.size() - 1 - random_.Below(recent)];
  SourcePosition& source = *change.source;
  switch (random_.Below(6)) {
    case 0:
      source.incarnation = log.incarnation.empty() ? "second" : "";
      break;
    case 1:
      source.previous = source.position + random_.Below(2);
      break;
    case 2:
      source.previous.reset();
      break;
    case 3:
      source.position += 1 + random_.Below(3);
      if (source.previous) source.previous = 0;
      break;
    case 4:
      change.updates[0].Add(1000 + static_cast<Amount>(random_.Below(9)));
      break;
    default:
      change.id = NewId();
  }
  return change;
}

// ---- Upstreams that assign versions

// A few messages over a few entities, shuffled.
void RandomChanges::DeliverUpstream(const ReferenceModel& model) {
  std::map<std::string, uint64_t> versions;
  for (const char* key : kUpstreamKeys) versions[key] = model.Latest(key).version;
  std::vector<Change> burst;
  for (uint64_t count = random_.Between(2, 7); count > 0; --count) {
    DeliverWithAccidents(UpstreamMessage(&versions), &burst);
  }
  for (Change& message : burst) {
    Remember(message);
    const uint64_t at = random_.Below(pending_.size() + 1);
    pending_.insert(pending_.begin() + static_cast<std::ptrdiff_t>(at), std::move(message));
  }
}

// The next message of an upstream that has brought its entities to `versions`; moves them.
Change RandomChanges::UpstreamMessage(std::map<std::string, uint64_t>* versions) {
  Change change(NewId());
  const uint64_t first = random_.Below(versions->size());
  const uint64_t checked = random_.OneIn(5) ? first + 1 : first;
  const uint64_t last = random_.OneIn(3) ? first + 2 : first;
  uint64_t i = 0;
  for (auto& [key, version] : *versions) {
    if (i == first || i == last) {
      Update& update = change.AddUpdate(key).ExpectVersion(version++);
      random_.OneIn(4) ? update.Put(std::to_string(steps_)) : update.Add(SomeAmount());
    } else if (i == checked) {
      change.AddUpdate(key).ExpectVersion(version).Check();
    }
    ++i;
  }
  return change;
}

// Once, twice, or not at all; or beside another attempt of its id, or other content under it.
void RandomChanges::DeliverWithAccidents(const Change& message, std::vector<Change>* burst) {
  if (random_.OneIn(8)) return;
  burst->push_back(message);
  Change other = message;
  switch (random_.Below(6)) {
    case 0:
      break;
    case 1:
    case 2: {
      const bool with_since = !random_.OneIn(3);
      for (Update& update : other.updates) {
        const uint64_t earlier = std::min(*update.expect_version, random_.Below(6));
        if (with_since && update.action != Action::kCheck) update.since = *update.expect_version - earlier;
        *update.expect_version += random_.Between(1, 2);
      }
      break;
    }
    case 3:
      for (Update& update : other.updates) *update.expect_version -= std::min<uint64_t>(*update.expect_version, 1);
      break;
    case 4:
      other.updates[0].Add(1000 + static_cast<Amount>(random_.Below(9)));
      break;
    default:
      return;
  }
  burst->push_back(std::move(other));
}

// ---- Redelivery and its accidents

void RandomChanges::Remember(const Change& change) {
  remembered_.push_back(change);
  if (remembered_.size() <= options_.remembered_max) return;
  remembered_.erase(remembered_.begin() + static_cast<std::ptrdiff_t>(random_.Below(remembered_.size() - 8)));
}

Change RandomChanges::Remembered() {
  if (remembered_.empty()) return Unacceptable();
  const uint64_t recent = std::min<uint64_t>(remembered_.size(), 6);
  const uint64_t back = random_.Below(random_.OneIn(2) ? remembered_.size() : recent);
  return remembered_[remembered_.size() - 1 - back];
}

// An honest retry: the same content, fresh versions, and the version first seen kept as `since`.
Change RandomChanges::Rebased(const ReferenceModel& model) {
  Change change = Remembered();
  FreshenVersions(model, !random_.OneIn(8), &change);
  Remember(change);
  return change;
}

// The id of one change with the content of another.
Change RandomChanges::OtherContent() {
  Change change = Remembered();
  switch (random_.Below(4)) {
    case 0:
      if (change.updates.size() > 1) change.updates.pop_back();
      break;
    case 1:
      change.AddUpdate("extra").Since(0).Add(1);
      break;
    case 2:
      for (Update& update : change.updates) update.amount /= 2;
      break;
    default:
      change.updates = Remembered().updates;
  }
  return change;
}

// What is refused whatever the state: malformed, or not anchored.
Change RandomChanges::Unacceptable() {
  Change change(NewId());
  const std::string key = Key();
  switch (random_.Below(10)) {
    case 0:
      change.AddUpdate(key).Add(5);
      break;
    case 1:
      change.AddUpdate(key).Since(0).Put("x");
      break;
    case 2:
      change.AddUpdate(key).Newer(9).Add(1);
      break;
    case 3:
      change.AddUpdate(key).Newer(9).Put("x");
      change.AddUpdate("extra").Add(1);
      break;
    case 4:
      change.AddUpdate(key).ExpectVersion(0).Add(1);
      change.AddUpdate(key).Add(1);
      break;
    case 5:
      change.AddUpdate(key).ExpectVersion(1).Since(2).Add(1);
      break;
    case 6:
      change.AddUpdate(key).ExpectVersion(0).ExpectBalance(0).Add(1);
      break;
    case 7:
      change.AddUpdate(key).Check();
      change.AddUpdate("extra").ExpectVersion(0).Add(1);
      break;
    case 8:
      change.AddUpdate(key).ExpectVersion(0).Check();
      break;
    default:
      change.id.clear();
      change.AddUpdate(key).ExpectVersion(0).Add(1);
  }
  return change;
}

// ---- Small things

Amount RandomChanges::SomeAmount() {
  if (random_.OneIn(60))
    return random_.OneIn(2) ? std::numeric_limits<Amount>::max() : std::numeric_limits<Amount>::min();
  return static_cast<Amount>(random_.Below(19)) - 9;
}

// Mostly the present version, else one that is stale or early.
uint64_t RandomChanges::VersionNear(const Entity& entity) {
  switch (random_.Below(8)) {
    case 0:
      return entity.version + 1 + random_.Below(2);
    case 1:
      return entity.version - std::min<uint64_t>(entity.version, 1 + random_.Below(3));
    default:
      return entity.version;
  }
}

std::string RandomChanges::NewId() { return "i" + std::to_string(++ids_); }

}  // namespace semel::testing
