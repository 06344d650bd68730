// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// publish: the journal as a stream, to a broker.

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "api/cli/commands.h"
#include "api/cli/new_file.h"
#include "api/cli/output.h"
#include "api/cli/progress.h"
#include "api/cli/stop_signal.h"
#include "api/cli/stream_arguments.h"
#include "api/cli/text.h"
#include "api/streams/open.h"

namespace semel::cli {
namespace {

constexpr std::chrono::milliseconds kPollPause{100};
constexpr std::chrono::milliseconds kReconnectPause{1000};

struct PublishOptions {
  std::string ledger;
  BrokerArguments broker;
  std::string cursor;
  std::string as = "change";
  size_t batch = 1000;
  bool until_end = false;
  bool json = false;
};

// Up to where the journal is published, kept in a file: of which ledger, and the address of the next entry.
struct Cursor {
  std::string uuid;
  uint64_t epoch = 0;
  uint64_t lsn = 0;
};

// Nothing published yet if there is no such file. Errors: InvalidArgument, and those of reading it.
absl::StatusOr<Cursor> LoadCursor(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (absl::IsNotFound(text.status())) return Cursor();
  if (!text.ok()) return text.status();
  const auto object = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  Cursor cursor;
  if (object.is_object() && object.contains("uuid") && object.contains("epoch") && object.contains("lsn")) {
    cursor.uuid = object["uuid"].get<std::string>();
    const std::optional<uint64_t> epoch = ParseNumber(object["epoch"].get<std::string>());
    const std::optional<uint64_t> lsn = ParseNumber(object["lsn"].get<std::string>());
    if (epoch.has_value() && lsn.has_value()) return Cursor{cursor.uuid, *epoch, *lsn};
  }
  return absl::InvalidArgumentError(path + ": is no cursor of semel publish");
}

// Replaces the file as a whole; durable when it returns.
absl::Status SaveCursor(const Cursor& cursor, const std::string& path) {
  const std::string fresh = path + ".new";
  if (unlink(fresh.c_str()) != 0 && errno != ENOENT) return absl::ErrnoToStatus(errno, fresh);
  absl::StatusOr<NewFile> file = NewFile::Create(fresh);
  if (!file.ok()) return file.status();
  const std::string text =
      fmt::format("{{\"uuid\":\"{}\",\"epoch\":\"{}\",\"lsn\":\"{}\"}}\n", cursor.uuid, cursor.epoch, cursor.lsn);
  absl::Status written = file->Write(text);
  if (written.ok()) written = file->Finish();
  if (!written.ok()) return written;
  return std::rename(fresh.c_str(), path.c_str()) == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, path);
}

// What an effect did, to be done again: anchored by the version before, or by its stamp.
void AddEffect(const JournalEffect& effect, Change* change) {
  Update& update = change->AddUpdate(effect.key);
  if (effect.stamp.has_value()) {
    update.Newer(*effect.stamp);
  } else {
    update.ExpectVersion(effect.version - 1);
  }
  switch (effect.action) {
    case Action::kAdd:
      update.Add(effect.amount);
      break;
    case Action::kPut:
      update.Put(effect.value.value_or(""));
      break;
    case Action::kDelete:
      update.Delete();
      break;
    case Action::kSetPolicy:
      update.SetPolicy(effect.policy.value_or(Policy()));
      break;
    case Action::kNone:
    case Action::kCheck:
      break;
  }
}

// The change that makes another ledger what this one became. A change whose identity was its place in a source gets the
// number of its entry as id.
std::string AsChange(const JournalEntry& entry, const std::string& uuid) {
  Change change(entry.id.empty() ? fmt::format("{}-{}", uuid.substr(0, 8), entry.sequence) : entry.id);
  change.balanced = entry.balanced;
  for (const JournalEffect& effect : entry.effects) AddEffect(effect, &change);
  return ToJson(change);
}

class Publisher {
 public:
  Publisher(const PublishOptions& options, streams::Url url, Ledger* ledger, StopSignal* stop)
      : options_(options), url_(std::move(url)), ledger_(ledger), stop_(stop) {}

  absl::Status Run() {
    if (const absl::Status begun = Begin(); !begun.ok()) return begun;
    while (stop_->Take() == 0) {
      const absl::StatusOr<size_t> count = PublishBatch();
      if (!count.ok()) return count.status();
      line_.Update([this] {
        return fmt::format("{} published, {:.0f}/s", sent_, static_cast<double>(sent_) / line_.seconds());
      });
      if (*count > 0) continue;
      if (options_.until_end) break;
      std::this_thread::sleep_for(kPollPause);
    }
    line_.Clear();
    return absl::OkStatus();
  }

  uint64_t sent() const { return sent_; }

 private:
  absl::Status Begin() {
    const absl::StatusOr<Stats> stats = ledger_->GetStats();
    if (!stats.ok()) return stats.status();
    absl::StatusOr<Cursor> cursor = LoadCursor(options_.cursor);
    if (!cursor.ok()) return cursor.status();
    const bool is_new = cursor->uuid.empty();
    if (!is_new && (cursor->uuid != stats->uuid || cursor->epoch != stats->epoch)) {
      return absl::FailedPreconditionError(fmt::format(
          "{} is of another ledger, or of the time before a restore: begin a new stream with a new --cursor",
          options_.cursor));
    }
    if (is_new && stats->floor_lsn > 0) {
      return absl::FailedPreconditionError(
          "the journal's beginning was trimmed, so a reader of the stream could not become what this ledger is; "
          "publish "
          "from the ledger's beginning on, and trim behind the stream");
    }
    cursor_ = is_new ? Cursor{stats->uuid, stats->epoch, 0} : *cursor;
    return absl::OkStatus();
  }

  // Returns how many entries the journal had.
  absl::StatusOr<size_t> PublishBatch() {
    std::vector<streams::Message> messages;
    size_t entries = 0;
    const absl::StatusOr<uint64_t> next = ledger_->ReadJournal(cursor_.lsn, [&](const JournalEntry& entry) {
      ++entries;
      if (entry.outcome == OutcomeCode::kApplied && !entry.effects.empty()) {
        streams::Message& message = messages.emplace_back();
        message.key = entry.effects.front().key;
        message.bytes = options_.as == "journal" ? ToJson(entry) : AsChange(entry, cursor_.uuid);
      }
      return messages.size() < options_.batch;
    });
    if (!next.ok()) return next.status();
    if (entries == 0) return entries;
    if (const absl::Status sent = Send(messages); !sent.ok()) return sent;
    cursor_.lsn = *next;
    sent_ += messages.size();
    const absl::Status saved = SaveCursor(cursor_, options_.cursor);
    if (!saved.ok()) return saved;
    return entries;
  }

  // Again and again, while the broker is away. A stop ends it with the broker's error.
  absl::Status Send(const std::vector<streams::Message>& messages) {
    while (true) {
      absl::Status sent;
      if (producer_ == nullptr) {
        absl::StatusOr<std::unique_ptr<streams::Producer>> producer = streams::OpenProducer(url_);
        sent = producer.status();
        if (producer.ok()) producer_ = *std::move(producer);
      }
      if (sent.ok()) sent = producer_->Send(messages);
      if (!absl::IsUnavailable(sent) || stop_->Take() != 0) return sent;
      line_.Clear();
      fmt::print(stderr, "semel publish: {}; trying again\n", Printable(std::string(sent.message())));
      producer_.reset();
      std::this_thread::sleep_for(kReconnectPause);
    }
  }

  const PublishOptions& options_;
  const streams::Url url_;
  Ledger* const ledger_;
  StopSignal* const stop_;
  std::unique_ptr<streams::Producer> producer_;
  Cursor cursor_;
  StatusLine line_;
  uint64_t sent_ = 0;
};

int Publish(PublishOptions options) {
  StopSignal stop;
  if (options.cursor.empty()) options.cursor = options.ledger + ".published";
  const absl::StatusOr<streams::Url> url = ReadBroker(options.broker);
  if (!url.ok()) return Refuse("publish", std::string(url.status().message()));
  const absl::StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::OpenReadOnly(options.ledger);
  if (!ledger.ok()) return Fail(ledger.status(), options.ledger);
  Publisher publisher(options, *url, ledger->get(), &stop);
  const absl::Status status = publisher.Run();
  PrintLine(options.json ? fmt::format("{{\"published\":{}}}", publisher.sent())
                         : fmt::format("{} published", Count(publisher.sent(), "change")));
  return status.ok() ? kExitOk : FailPlainly(status, options.ledger);
}

}  // namespace

void AddPublish(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("publish", "Send every applied change to a broker, as it comes");
  const auto options = std::make_shared<PublishOptions>();
  command->add_option("LEDGER", options->ledger, "The ledger's directory")->required();
  command->add_option("URL", options->broker.url, "Where to, as semel consume takes it")->required();
  AddBroker(command, &options->broker);
  command->add_option("--cursor", options->cursor, "The file that remembers how far it is. Default: LEDGER.published");
  command
      ->add_option("--as", options->as,
                   "change: what makes another ledger the same; journal: the entry, with versions and balances")
      ->check(CLI::IsMember({"change", "journal"}))
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Changes that are confirmed together, at most")
      ->check(CLI::Range(size_t{1}, size_t{50000}))
      ->capture_default_str();
  command->add_flag("--until-end", options->until_end, "End once everything that is there now has been sent");
  command->add_flag("--json", options->json, "The summary as one JSON object");
  command->footer(
      "Example:\n"
      "  semel publish accounts 'nats://127.0.0.1:4222/JOURNAL?create=yes'\n\n"
      "Reads beside a running writer. Each change is sent at least once, in the order of the journal; a second ledger\n"
      "that consumes the stream becomes the same.\n"
      "Exit status: 0 stopped by SIGINT or SIGTERM, or at the end that was asked for; 1 the engine or the broker\n"
      "failed; 2 unusable arguments.");
  command->callback([options, exit] { *exit = Publish(*options); });
}

}  // namespace semel::cli
