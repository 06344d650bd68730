// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The drive loop: messages of one consumer into one ledger, or into one for each partition. The same for every broker.
//
//   poll a batch -> decode -> Ledger::ApplyBatch (durable) -> settle each message by its outcome -> commit to the
//   broker
//
// Acknowledging always follows the durable commit. Whichever side dies in between, the broker delivers again, and the
// ledger answers what it answered before: nothing is lost, nothing is applied twice.

#ifndef SEMEL_API_STREAMS_RUNNER_H_
#define SEMEL_API_STREAMS_RUNNER_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/streams/consumer.h"
#include "api/streams/ledgers.h"
#include "api/streams/message.h"
#include "semel/ledger.h"

namespace semel::streams {

// Makes a change of a message. Errors: InvalidArgument (it cannot be decoded; the text becomes the dead letter's
// reason).
using Decoder = std::function<absl::StatusOr<Change>(const Message&)>;

// Makes a new connection; called at the beginning, and again after each loss.
using Connect = std::function<absl::StatusOr<std::unique_ptr<Consumer>>(const Cursors&)>;

struct RunCounts {
  uint64_t messages = 0;     // given by the broker, redeliveries included
  uint64_t undecodable = 0;  // among them: those that could not be decoded
  uint64_t passed = 0;       // among them: tombstones, which mean nothing
  uint64_t reconnects = 0;
  std::chrono::nanoseconds active{0};  // from the first message to the last that was settled
  std::array<uint64_t, kOutcomeCodeCount> by_code{};
};

struct RunOptions {
  // Names this stream within the ledger: refused messages that have no position are kept as dead letters of the source
  // "refused:" + name. At most 100 bytes.
  std::string name;

  size_t batch = 1000;        // messages that are made durable together, at most
  std::optional<bool> park;   // whether early changes are parked; absent: as the ledger's option says
  bool until_end = false;     // end once everything that the broker held has been consumed
  uint64_t max_messages = 0;  // end after so many; 0: never

  // Looked at between batches: true ends the run in good order.
  std::function<bool()> stop;

  // Sends refused messages on, before they are settled; may be empty. An error ends the run.
  std::function<absl::Status(const std::vector<Message>&)> forward_refused;

  // Called with each decided change, after the commit and before its message is settled; may be empty.
  std::function<absl::Status(const Change&, const Outcome&)> on_outcome;

  // Called after each commit with how long it took; may be empty.
  std::function<void(size_t messages, std::chrono::nanoseconds commit)> on_commit;

  // Called after each batch and each wait; may be empty.
  std::function<void(const RunCounts&, std::optional<uint64_t> lag)> on_progress;

  // One line of text about what an operator may want in a log; may be empty.
  std::function<void(std::string_view)> log;

  // How long a connection may be gone before the run ends with the error; 0: try for ever.
  std::chrono::milliseconds give_up_after{0};
};

// Used by one thread.
class Runner {
 public:
  // The ledgers and the functions must outlive it.
  Runner(Ledgers* ledgers, Connect connect, Decoder decode, RunOptions options);

  // Until the end, a stop or an error; a lost connection is made again, with a growing pause.
  // Errors: those of Ledger::ApplyBatch (ResourceExhausted: the dead letters are full), of `connect` and of the
  // consumer but Unavailable. Whatever was acknowledged is durable. The ledgers stay open.
  absl::Status Run();

  const RunCounts& counts() const { return counts_; }

  // How many messages waited at the broker when it was last asked; nullopt if it did not know.
  std::optional<uint64_t> lag() const { return lag_; }

 private:
  using Clock = std::chrono::steady_clock;

  // One message of the batch.
  struct Item {
    Message message;
    std::optional<size_t> change;  // its place in changes_; none: nothing to decide
    bool refused = false;
  };

  absl::Status Reconnect();
  absl::Status RunConnected();
  absl::Status ConsumeByLedger(std::vector<Message> messages);
  absl::Status Consume(Ledger& ledger, std::vector<Message> messages);
  void Decode(Message message);
  absl::Status KeepRefused(Ledger& ledger);
  absl::Status KeepLetters(Ledger& ledger, std::vector<Change> letters);
  absl::Status SettleAll();
  bool Stopped() const { return options_.stop && options_.stop(); }
  void Pause(std::chrono::milliseconds duration) const;
  void Log(std::string_view line) const;

  Ledgers* const ledgers_;
  const Connect connect_;
  const Decoder decode_;
  const RunOptions options_;
  std::unique_ptr<Consumer> consumer_;
  std::vector<Item> items_;
  std::vector<Change> changes_;
  std::vector<Outcome> outcomes_;
  RunCounts counts_;
  std::optional<uint64_t> lag_;
  std::optional<Clock::time_point> first_message_;
  std::chrono::milliseconds early_pause_{0};  // grows while nothing but early messages come
  bool ended_ = false;
};

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_RUNNER_H_
