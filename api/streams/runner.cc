// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

namespace semel::streams {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPollWait{200};  // bounds how long a stop is not noticed
constexpr milliseconds kPauseMin{50};
constexpr milliseconds kPauseMax{2000};

milliseconds Longer(milliseconds pause) { return std::clamp(pause * 2, kPauseMin, kPauseMax); }

std::string_view Text(const absl::Status& status) { return {status.message().data(), status.message().size()}; }

}  // namespace

Runner::Runner(Ledgers* ledgers, Connect connect, Decoder decode, RunOptions options)
    : ledgers_(ledgers), connect_(std::move(connect)), decode_(std::move(decode)), options_(std::move(options)) {}

absl::Status Runner::Run() {
  absl::Status status = Reconnect();
  while (status.ok() && !ended_) {
    status = RunConnected();
    if (!absl::IsUnavailable(status)) break;
    Log(fmt::format("connection lost: {}", Text(status)));
    ++counts_.reconnects;
    status = Reconnect();
  }
  consumer_.reset();
  return status;
}

// Connects, with a growing pause between attempts. A stop ends it with nothing connected.
absl::Status Runner::Reconnect() {
  consumer_.reset();
  ledgers_->ReleaseAll();
  const Clock::time_point begin = Clock::now();
  const Cursors cursors = [this](std::string_view source) -> absl::StatusOr<std::optional<SourceCursor>> {
    const absl::StatusOr<Ledger*> ledger = ledgers_->Of(source);
    if (!ledger.ok()) return ledger.status();
    return (*ledger)->GetSource(source);
  };
  milliseconds pause{0};
  while (!Stopped()) {
    absl::StatusOr<std::unique_ptr<Consumer>> consumer = connect_(cursors);
    if (consumer.ok()) {
      consumer_ = *std::move(consumer);
      return absl::OkStatus();
    }
    const bool patient = options_.give_up_after.count() == 0 || Clock::now() - begin < options_.give_up_after;
    if (!absl::IsUnavailable(consumer.status()) || !patient) return consumer.status();
    if (pause.count() == 0) Log(fmt::format("cannot connect, trying again: {}", Text(consumer.status())));
    pause = Longer(pause);
    Pause(pause);
  }
  ended_ = true;
  return absl::OkStatus();
}

absl::Status Runner::RunConnected() {
  while (!ended_ && !Stopped()) {
    const uint64_t left = options_.max_messages - counts_.messages;
    const size_t max = options_.max_messages == 0 ? options_.batch : std::min<uint64_t>(options_.batch, left);
    absl::StatusOr<std::vector<Message>> messages = consumer_->Poll(max, kPollWait);
    for (const std::string& source : consumer_->TakenAway()) ledgers_->Release(source);
    if (!messages.ok()) return messages.status();
    if (messages->empty()) {
      const absl::StatusOr<bool> end = options_.until_end ? consumer_->AtEnd() : false;
      if (!end.ok()) return end.status();
      ended_ = *end;
    } else if (const absl::Status consumed = ConsumeByLedger(*std::move(messages)); !consumed.ok()) {
      return consumed;
    }
    lag_ = consumer_->Lag();
    if (options_.on_progress) options_.on_progress(counts_, lag_);
    ended_ = ended_ || (options_.max_messages != 0 && counts_.messages >= options_.max_messages);
  }
  return absl::OkStatus();
}

// Each ledger's part of the batch, in the order in which the messages came.
absl::Status Runner::ConsumeByLedger(std::vector<Message> messages) {
  if (!first_message_.has_value()) first_message_ = Clock::now();
  std::map<Ledger*, std::vector<Message>> parts;
  for (Message& message : messages) {
    const absl::StatusOr<Ledger*> ledger = ledgers_->Of(message.position.has_value() ? message.position->name : "");
    if (!ledger.ok()) return ledger.status();
    parts[*ledger].push_back(std::move(message));
  }
  for (auto& [ledger, part] : parts) {
    if (const absl::Status consumed = Consume(*ledger, std::move(part)); !consumed.ok()) return consumed;
  }
  counts_.active = Clock::now() - *first_message_;
  return absl::OkStatus();
}

// One batch: decide, make durable, keep what was refused, and only then settle.
absl::Status Runner::Consume(Ledger& ledger, std::vector<Message> messages) {
  items_.clear();
  changes_.clear();
  for (Message& message : messages) Decode(std::move(message));
  ApplyOptions how;
  how.park = options_.park;
  const Clock::time_point begin = Clock::now();
  absl::StatusOr<std::vector<Outcome>> outcomes = ledger.ApplyBatch(changes_, how);
  if (!outcomes.ok()) return outcomes.status();
  if (options_.on_commit) options_.on_commit(items_.size(), Clock::now() - begin);
  outcomes_ = *std::move(outcomes);
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    ++counts_.by_code[static_cast<size_t>(outcomes_[i].code)];
    if (!options_.on_outcome) continue;
    if (const absl::Status told = options_.on_outcome(changes_[i], outcomes_[i]); !told.ok()) return told;
  }
  if (const absl::Status kept = KeepRefused(ledger); !kept.ok()) return kept;
  return SettleAll();
}

// A message that cannot be decoded is given to the ledger with its position, if it has one; else it is refused here.
void Runner::Decode(Message message) {
  ++counts_.messages;
  Item& item = items_.emplace_back();
  item.message = std::move(message);
  if (item.message.empty) {
    ++counts_.passed;
    return;
  }
  absl::StatusOr<Change> change = decode_(item.message);
  item.change = changes_.size();
  if (!change.ok()) {
    ++counts_.undecodable;
    changes_.push_back(Change::Undecodable(item.message.position.value_or(SourcePosition()), item.message.bytes,
                                           Text(change.status())));
    if (!item.message.position.has_value()) changes_.back().source.reset();
    return;
  }
  if (!change->source.has_value()) change->source = item.message.position;
  change->original = item.message.bytes;
  changes_.push_back(*std::move(change));
}

// Sees to it that the ledger has every refused message of the batch. With a position it has it already, as a recorded
// refusal does. What it did not record is kept as a dead letter of this stream's own source, and as one that cannot be
// decoded: decided once more with a position it could be applied, and that position proves nothing about the message.
absl::Status Runner::KeepRefused(Ledger& ledger) {
  std::vector<Message> refused;
  std::vector<Change> letters;
  for (Item& item : items_) {
    if (!item.change.has_value() || !outcomes_[*item.change].refused()) continue;
    item.refused = true;
    const Outcome& outcome = outcomes_[*item.change];
    if (outcome.sequence == 0) {
      const std::string why = fmt::format("{}: {}", ToString(outcome.code), outcome.reason);
      letters.push_back(Change::Undecodable({}, item.message.bytes, why));
    }
    if (options_.forward_refused) refused.push_back(item.message);
  }
  if (const absl::Status kept = KeepLetters(ledger, std::move(letters)); !kept.ok()) return kept;
  return refused.empty() ? absl::OkStatus() : options_.forward_refused(refused);
}

absl::Status Runner::KeepLetters(Ledger& ledger, std::vector<Change> letters) {
  if (letters.empty()) return absl::OkStatus();
  const std::string name = "refused:" + options_.name;
  const absl::StatusOr<std::optional<SourceCursor>> cursor = ledger.GetSource(name);
  if (!cursor.ok()) return cursor.status();
  uint64_t position = cursor->has_value() ? (*cursor)->position : 0;
  for (Change& letter : letters) {
    letter.source->name = name;
    letter.source->position = ++position;
  }
  const absl::StatusOr<std::vector<Outcome>> outcomes = ledger.ApplyBatch(letters);
  if (!outcomes.ok()) return outcomes.status();
  for (const Outcome& outcome : *outcomes) {
    if (outcome.sequence == 0) return absl::InternalError("a refused message was not kept: " + outcome.reason);
  }
  return absl::OkStatus();
}

absl::Status Runner::SettleAll() {
  bool only_early = true;
  for (const Item& item : items_) {
    const bool early = item.change.has_value() && outcomes_[*item.change].early();
    only_early = only_early && early;
    const Settlement settlement = early ? Settlement::kLater : item.refused ? Settlement::kRefuse : Settlement::kAck;
    if (const absl::Status settled = consumer_->Settle(item.message, settlement); !settled.ok()) return settled;
  }
  if (const absl::Status committed = consumer_->Commit(); !committed.ok()) return committed;
  early_pause_ = only_early ? Longer(early_pause_) : milliseconds(0);
  Pause(early_pause_);
  return absl::OkStatus();
}

// In pieces, so that a stop is noticed.
void Runner::Pause(milliseconds duration) const {
  const Clock::time_point end = Clock::now() + duration;
  while (Clock::now() < end && !Stopped()) {
    std::this_thread::sleep_for(std::min<Clock::duration>(end - Clock::now(), kPauseMin));
  }
}

void Runner::Log(std::string_view line) const {
  if (options_.log) options_.log(line);
}

}  // namespace semel::streams
