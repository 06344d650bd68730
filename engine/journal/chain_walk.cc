// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Walking an entity's chain. A step is one entry read: from the entry that made version v, its pointers lead to the
// versions ChainTargetsOf(v). A walk goes as far back as it can without passing what it looks for. LSNs, and the
// positions of a source, rise with versions; so a version behind one that is below the floor is below it too.

#include <algorithm>
#include <optional>

#include "absl/numeric/bits.h"
#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/journal/reader.h"

namespace semel::internal {
namespace {

using Link = ChainLink;
using Links = ChainLinks;

// What the head knows of its entries.
Links LinksOf(const Head& head) {
  Links links;
  const auto& levels = head.chain.levels();
  for (size_t level = 0; level < levels.size(); ++level) {
    const uint64_t version = ChainTop::VersionAtLevel(head.version, static_cast<int>(level));
    if (links.empty() || version != links.back().version) links.push_back({version, levels[level]});
  }
  return links;
}

// Replaces `links` by those of an entry. In place: this is the inner loop of every walk.
void Follow(const Effect& effect, Links* links) {
  const ChainTargets targets = ChainTargetsOf(effect.version);
  SEMEL_DCHECK(targets.size() == effect.pointers.size());
  links->resize(targets.size());
  for (size_t i = 0; i < targets.size(); ++i) (*links)[i] = {targets[i], effect.pointers[i]};
}

// The oldest of `links`, newest first, for which `reaches` holds; nullopt if none. `reaches` holds for all that are
// newer than one for which it holds.
template <typename Predicate>
std::optional<Link> Furthest(const Links& links, Predicate reaches) {
  const auto end = std::find_if_not(links.begin(), links.end(), reaches);
  if (end == links.begin()) return std::nullopt;
  return *(end - 1);
}

// Reads the entries of one chain.
class ChainReader {
 public:
  ChainReader(EntrySource* source, const ChainStart& start, Lsn floor)
      : source_(source), start_(start), floor_(floor) {}

  bool Readable(const Link& link) const { return link.lsn >= floor_; }

  // Reads the entry of `link`; effect() is then what it did to the entity. Errors: DataLoss if it is not the one.
  absl::Status Read(const Link& link, bool with_frame = false) {
    SEMEL_RETURN_IF_ERROR(source_->ReadEntry(link.lsn, with_frame, &buffer_, &entry_));
    effect_ = FindEffect(entry_, start_.table, start_.key);
    if (effect_ == nullptr || effect_->version != link.version) {
      return absl::DataLossError(absl::StrCat("journal: the entry at LSN ", link.lsn, " did not make version ",
                                              link.version, " of the entity whose chain leads there"));
    }
    // Pointers lead back (the decoder sees to it), so that every walk ends.
    return absl::OkStatus();
  }

  const Entry& entry() const { return entry_; }
  const Effect& effect() const { return *effect_; }

 private:
  EntrySource* const source_;
  const ChainStart& start_;
  const Lsn floor_;
  EntryBuffer buffer_;
  Entry entry_;
  const Effect* effect_ = nullptr;
};

}  // namespace

absl::StatusOr<std::optional<Lsn>> FindVersion(EntrySource* source, const ChainStart& start, uint64_t version,
                                               Lsn floor, ChainPath* path) {
  SEMEL_DCHECK(version >= 1 && version <= start.head->version);
  ChainReader reader(source, start, floor);
  std::vector<ChainPath::Step>& steps = path->steps;
  while (!steps.empty() && steps.back().version <= version) steps.pop_back();
  // What the head knew when the path began may be less than it knows now.
  if (steps.size() <= 1) steps.assign(1, {UINT64_MAX, LinksOf(*start.head)});
  for (;;) {
    const std::optional<Link> next =
        Furthest(steps.back().links, [&](const Link& link) { return link.version >= version; });
    if (!next.has_value() || !reader.Readable(*next)) return std::nullopt;
    if (next->version == version) return next->lsn;
    SEMEL_RETURN_IF_ERROR(reader.Read(*next));
    Follow(reader.effect(), &steps.emplace_back(ChainPath::Step{next->version, {}}).links);
  }
}

absl::StatusOr<VersionAtLsn> FindAtLsn(EntrySource* source, const ChainStart& start, Lsn lsn, Lsn floor) {
  ChainReader reader(source, start, floor);
  Links links = LinksOf(*start.head);
  for (;;) {
    if (links.empty()) return VersionAtLsn();  // it begins later
    if (links.front().lsn <= lsn) {
      return VersionAtLsn{links.front().lsn, links.front().version, reader.Readable(links.front())};
    }
    const std::optional<Link> next = Furthest(links, [&](const Link& link) { return link.lsn > lsn; });
    if (!reader.Readable(*next)) return VersionAtLsn{0, 0, false};
    SEMEL_RETURN_IF_ERROR(reader.Read(*next));
    Follow(reader.effect(), &links);
  }
}

absl::StatusOr<uint64_t> OldestReadable(EntrySource* source, const ChainStart& start, Lsn floor) {
  ChainReader reader(source, start, floor);
  Links links = LinksOf(*start.head);
  uint64_t oldest = start.head->version + 1;
  for (;;) {
    const std::optional<Link> next = Furthest(links, [&](const Link& link) { return reader.Readable(link); });
    if (!next.has_value()) return oldest;
    oldest = next->version;
    SEMEL_RETURN_IF_ERROR(reader.Read(*next));
    Follow(reader.effect(), &links);
  }
}

namespace {

// Positions that rise.
absl::StatusOr<PositionSearch> FindRisingPosition(EntrySource* source, const ChainStart& start, uint64_t position,
                                                  Lsn floor) {
  const SourceState& state = *start.head->Extras().source;
  ChainReader reader(source, start, floor);
  Links links = LinksOf(*start.head);
  uint64_t passed = state.first_version - 1;   // this version, and all before it, are of earlier positions
  uint64_t reached = start.head->version + 1;  // this version, and all after it, are of later ones
  PositionSearch search;
  search.settled = state.settled;
  for (bool moved = true; moved;) {
    // Which of the links to follow shows only when its entry is read: the furthest first. Each that went too far is a
    // new bound, so that none is tried twice.
    moved = false;
    for (auto link = links.rbegin(); link != links.rend() && !moved; ++link) {
      if (link->version <= passed || !reader.Readable(*link)) continue;
      SEMEL_RETURN_IF_ERROR(reader.Read(*link));
      const Effect& effect = reader.effect();
      if (effect.position == position && !effect.sets_cursor) {
        search.lsn = link->lsn;
        return search;
      }
      moved = effect.position >= position;
      if (moved) {
        reached = link->version;
        search.settled = effect.settled_before;
      } else {
        passed = link->version;
      }
    }
    if (moved) Follow(reader.effect(), &links);
  }
  search.skipped = passed + 1 == reached;
  return search;
}

// Positions within a window: the n-th of them was consumed less than a window before or after its turn.
absl::StatusOr<PositionSearch> FindWindowedPosition(EntrySource* source, const ChainStart& start, uint64_t position,
                                                    Lsn floor) {
  const SourceState& state = *start.head->Extras().source;
  uint64_t consumed_up_to = state.cursor;  // as many as these are consumed
  for (const char byte : state.ahead) consumed_up_to += absl::popcount(static_cast<uint8_t>(byte));
  const uint64_t base = consumed_up_to - (start.head->version + 1 - state.first_version);  // where the cursor began
  PositionSearch search;
  search.skipped = position <= base;
  search.settled = position;  // there are no gaps: what was consumed and cannot be read was seen
  if (search.skipped) return search;

  const uint64_t turn = state.first_version - 1 + (position - base);
  const uint64_t newest = std::min<uint64_t>(start.head->version, turn + state.window - 1);
  const uint64_t after = std::max<uint64_t>(state.first_version - 1, turn > state.window ? turn - state.window : 0);
  auto compare = [&](const Entry& entry, const Effect& effect) {
    if (effect.position == position) search.lsn = entry.lsn;
    return !search.lsn.has_value();
  };
  SEMEL_RETURN_IF_ERROR(WalkBack(source, start, newest, after, 2 * uint64_t{state.window}, floor,
                                 /*with_frame=*/false, compare, nullptr));
  return search;
}

}  // namespace

absl::StatusOr<PositionSearch> FindPosition(EntrySource* source, const ChainStart& start, uint64_t position,
                                            Lsn floor) {
  const bool windowed = start.head->Extras().source->window != 0;
  return windowed ? FindWindowedPosition(source, start, position, floor)
                  : FindRisingPosition(source, start, position, floor);
}

absl::Status WalkBack(EntrySource* source, const ChainStart& start, uint64_t newest, uint64_t after, uint64_t limit,
                      Lsn floor, bool with_frame, const std::function<bool(const Entry&, const Effect&)>& visit,
                      bool* complete) {
  if (complete != nullptr) *complete = newest <= after;
  if (newest <= after || limit == 0) return absl::OkStatus();
  ChainPath path;
  SEMEL_ASSIGN_OR_RETURN(const std::optional<Lsn> newest_lsn, FindVersion(source, start, newest, floor, &path));
  if (!newest_lsn.has_value()) return absl::OkStatus();

  ChainReader reader(source, start, floor);
  Link link{newest, *newest_lsn};
  for (uint64_t visited = 1; reader.Readable(link); ++visited) {
    SEMEL_RETURN_IF_ERROR(reader.Read(link, with_frame));
    const bool go_on = visit(reader.entry(), reader.effect());
    if (!go_on || link.version == after + 1) {
      if (complete != nullptr) *complete = true;
      return absl::OkStatus();
    }
    if (visited == limit) return absl::OkStatus();
    link = {link.version - 1, reader.effect().pointers.front()};
  }
  return absl::OkStatus();
}

}  // namespace semel::internal
