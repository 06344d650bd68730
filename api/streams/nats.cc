// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/nats.h"

#include <fmt/format.h>
#include <nats/nats.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"

namespace semel::streams {
namespace {

constexpr int64_t kMaxUnacknowledged = 65536;  // deliveries
constexpr int64_t kRedeliverAfterMs = 500;     // of an early message, as a queue
constexpr int64_t kRequestMs = 5000;
constexpr int64_t kSecondNs = 1'000'000'000;

template <typename Type, void (*destroy)(Type*)>
struct Destroyer {
  void operator()(Type* object) const { destroy(object); }
};
template <typename Type, void (*destroy)(Type*)>
using Handle = std::unique_ptr<Type, Destroyer<Type, destroy>>;

using OptionsHandle = Handle<natsOptions, natsOptions_Destroy>;
using MessageHandle = Handle<natsMsg, natsMsg_Destroy>;
using StreamInfoHandle = Handle<jsStreamInfo, jsStreamInfo_Destroy>;

// Whatever the connection says is Unavailable: a new one is tried. What the server refuses is not.
absl::Status ToStatus(natsStatus status, std::string_view doing, jsErrCode code = static_cast<jsErrCode>(0)) {
  if (status == NATS_OK) return absl::OkStatus();
  const char* const last = nats_GetLastError(nullptr);
  const std::string text = fmt::format("NATS, {}: {}{}{}", doing, natsStatus_GetText(status),
                                       last == nullptr || *last == '\0' ? "" : ": ", last == nullptr ? "" : last);
  if (status == NATS_NOT_FOUND) return absl::NotFoundError(text);
  if (status == NATS_INVALID_ARG || status == NATS_NOT_PERMITTED) return absl::InvalidArgumentError(text);
  if (status == NATS_CONNECTION_AUTH_FAILED) return absl::PermissionDeniedError(text);
  const bool refused = status == NATS_ERR && code != 0;
  return refused ? absl::FailedPreconditionError(text) : absl::UnavailableError(text);
}

// A connection with its JetStream context.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(Url* url, jsOptions* options) {
    absl::StatusOr<OptionsHandle> settings = ReadOptions(url);
    if (!settings.ok()) return settings.status();
    std::unique_ptr<Connection> connection(new Connection);
    natsStatus status = natsConnection_Connect(&connection->connection_, settings->get());
    if (status == NATS_OK)
      status = natsConnection_JetStream(&connection->jet_stream_, connection->connection_, options);
    if (status != NATS_OK) return ToStatus(status, "connecting to " + url->hosts);
    return connection;
  }
  ~Connection() {
    jsCtx_Destroy(jet_stream_);
    natsConnection_Destroy(connection_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  jsCtx* jet_stream() const { return jet_stream_; }
  absl::Status Flush() const { return ToStatus(natsConnection_FlushTimeout(connection_, kRequestMs), "flushing"); }

 private:
  Connection() = default;

  static absl::StatusOr<OptionsHandle> ReadOptions(Url* url) {
    natsOptions* raw = nullptr;
    natsStatus status = natsOptions_Create(&raw);
    OptionsHandle options(raw);
    const auto set = [&status](natsStatus next) { status = status == NATS_OK ? next : status; };
    set(natsOptions_SetURL(raw, ("nats://" + url->hosts).c_str()));
    set(natsOptions_SetAllowReconnect(raw, false));
    const std::optional<std::string> user = url->settings.Take("user");
    const std::string password = url->settings.Take("password", "");
    if (user.has_value()) set(natsOptions_SetUserInfo(raw, user->c_str(), password.c_str()));
    if (const auto token = url->settings.Take("token")) set(natsOptions_SetToken(raw, token->c_str()));
    if (const auto file = url->settings.Take("credentials")) {
      set(natsOptions_SetUserCredentialsFromFiles(raw, file->c_str(), nullptr));
    }
    if (const auto ca = url->settings.Take("ca")) {
      set(natsOptions_SetSecure(raw, true));
      set(natsOptions_LoadCATrustedCertificates(raw, ca->c_str()));
    }
    if (const auto certificate = url->settings.Take("certificate")) {
      set(natsOptions_LoadCertificatesChain(raw, certificate->c_str(), url->settings.Take("key", "").c_str()));
    }
    if (status != NATS_OK) return ToStatus(status, "reading the settings");
    return options;
  }

  natsConnection* connection_ = nullptr;
  jsCtx* jet_stream_ = nullptr;
};

absl::StatusOr<StreamInfoHandle> GetStream(const Connection& connection, const std::string& stream) {
  jsStreamInfo* info = nullptr;
  jsErrCode code = static_cast<jsErrCode>(0);
  const natsStatus status = js_GetStreamInfo(&info, connection.jet_stream(), stream.c_str(), nullptr, &code);
  if (status == NATS_NOT_FOUND) return absl::NotFoundError(fmt::format("NATS: there is no stream {}", stream));
  if (status != NATS_OK) return ToStatus(status, "looking for the stream " + stream, code);
  return StreamInfoHandle(info);
}

class NatsConsumer : public Consumer {
 public:
  static absl::StatusOr<std::unique_ptr<Consumer>> Open(Url url, const Cursors& cursors) {
    std::unique_ptr<NatsConsumer> consumer(new NatsConsumer);
    consumer->stream_ = url.path;
    consumer->name_ = url.settings.Take("consumer", "semel");
    consumer->filter_ = url.settings.Take("subject", "");
    consumer->log_ = url.settings.Take("positions", "yes") != "no";
    const std::string ack_wait = url.settings.Take("ack_wait", "30");
    if (!absl::SimpleAtoi(ack_wait, &consumer->ack_wait_s_) || consumer->ack_wait_s_ < 1) {
      return absl::InvalidArgumentError("nats: ack_wait takes a number of seconds");
    }
    const std::optional<std::string> incarnation = url.settings.Take("incarnation");
    url.settings.Ignore({"create"});
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(&url, nullptr);
    if (!connection.ok()) return connection.status();
    consumer->connection_ = *std::move(connection);
    if (const absl::Status left = url.settings.CheckNoneLeft("nats"); !left.ok()) return left;
    const absl::Status begun = consumer->Begin(incarnation, cursors);
    if (!begun.ok()) return begun;
    return consumer;
  }

  ~NatsConsumer() override {
    unsettled_.clear();
    natsSubscription_Destroy(subscription_);
  }

  absl::StatusOr<std::vector<Message>> Poll(size_t max, std::chrono::milliseconds wait) override {
    natsMsgList list{};
    jsErrCode code = static_cast<jsErrCode>(0);
    const natsStatus status =
        natsSubscription_Fetch(&list, subscription_, static_cast<int>(max), std::max<int64_t>(wait.count(), 1), &code);
    std::vector<Message> messages;
    if (status == NATS_TIMEOUT) return messages;
    if (status != NATS_OK) return absl::UnavailableError(ToStatus(status, "fetching", code).message());
    absl::Status taken;
    for (int i = 0; i < list.Count; ++i) {
      MessageHandle handle(std::exchange(list.Msgs[i], nullptr));
      if (taken.ok() && !rewind_to_.has_value()) taken = Take(std::move(handle), &messages);
    }
    natsMsgList_Destroy(&list);
    if (!taken.ok()) return taken;
    if (messages.empty() && rewind_to_.has_value()) return Rewound();
    return messages;
  }

  absl::Status Settle(const Message& message, Settlement settlement) override {
    const auto at = unsettled_.find(message.delivery);
    if (at == unsettled_.end()) return absl::OkStatus();
    const MessageHandle handle = std::move(at->second);
    unsettled_.erase(at);
    if (!log_) return SettleOne(handle.get(), settlement);
    if (settlement != Settlement::kLater) return ToStatus(natsMsg_Ack(handle.get(), nullptr), "acknowledging");
    rewind_to_ = std::min(rewind_to_.value_or(message.position->position), message.position->position);
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    const absl::Status flushed = connection_->Flush();
    if (!flushed.ok() || !rewind_to_.has_value()) return flushed;
    return Subscribe(*rewind_to_);
  }

  std::optional<uint64_t> Lag() override { return lag_; }

  absl::StatusOr<bool> AtEnd() override {
    jsConsumerInfo* info = nullptr;
    jsErrCode code = static_cast<jsErrCode>(0);
    const natsStatus status =
        js_GetConsumerInfo(&info, connection_->jet_stream(), stream_.c_str(), name_.c_str(), nullptr, &code);
    if (status != NATS_OK) return ToStatus(status, "asking for what is left", code);
    const bool end = info->NumPending == 0 && info->NumAckPending == 0;
    jsConsumerInfo_Destroy(info);
    return end;
  }

 private:
  NatsConsumer() = default;

  absl::Status Begin(const std::optional<std::string>& incarnation, const Cursors& cursors) {
    const absl::StatusOr<StreamInfoHandle> stream = GetStream(*connection_, stream_);
    if (!stream.ok()) return stream.status();
    if (!log_) return Subscribe(std::nullopt);
    source_.name = "nats:" + stream_ + (filter_.empty() ? "" : ":" + filter_);
    source_.incarnation = incarnation.value_or(std::to_string((*stream)->Created));
    const jsStreamState& state = (*stream)->State;
    const absl::StatusOr<std::optional<uint64_t>> next =
        NextPosition(cursors, source_, Extent{state.FirstSeq, state.LastSeq + 1});
    if (!next.ok()) return next.status();
    return Subscribe(next->value_or(1));
  }

  // As a log: makes the consumer anew, to deliver from this sequence number on. As a queue: takes the one there is.
  absl::Status Subscribe(std::optional<uint64_t> from) {
    rewind_to_.reset();
    unsettled_.clear();
    delivered_ = 0;
    natsSubscription_Destroy(std::exchange(subscription_, nullptr));
    jsErrCode code = static_cast<jsErrCode>(0);
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.Durable = name_.c_str();
    config.MaxAckPending = kMaxUnacknowledged;
    config.AckWait = ack_wait_s_ * kSecondNs;
    if (!filter_.empty()) config.FilterSubject = filter_.c_str();
    if (from.has_value()) {
      const natsStatus deleted =
          js_DeleteConsumer(connection_->jet_stream(), stream_.c_str(), name_.c_str(), nullptr, &code);
      if (deleted != NATS_OK && deleted != NATS_NOT_FOUND) return ToStatus(deleted, "deleting the consumer", code);
      config.DeliverPolicy = js_DeliverByStartSequence;
      config.OptStartSeq = *from;
      config.AckPolicy = js_AckAll;
      last_position_ = *from - 1;
    }
    natsStatus status = js_AddConsumer(nullptr, connection_->jet_stream(), stream_.c_str(), &config, nullptr, &code);
    if (status != NATS_OK) return ToStatus(status, "making the consumer", code);
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Stream = stream_.c_str();
    options.Consumer = name_.c_str();
    status = js_PullSubscribe(&subscription_, connection_->jet_stream(), nullptr, nullptr, nullptr, &options, &code);
    return ToStatus(status, "subscribing", code);
  }

  // One delivery. As a log, one that is not the next of the consumer tells that others were lost or repeated: then
  // the rest of the batch is dropped, and everything behind the last good one is asked for again.
  absl::Status Take(MessageHandle handle, std::vector<Message>* messages) {
    jsMsgMetaData* meta = nullptr;
    const natsStatus status = natsMsg_GetMetaData(&meta, handle.get());
    if (status != NATS_OK) return ToStatus(status, "reading a delivery");
    const uint64_t sequence = meta->Sequence.Stream;
    const bool is_next = meta->Sequence.Consumer == delivered_ + 1 && sequence > last_position_;
    lag_ = meta->NumPending;
    jsMsgMetaData_Destroy(meta);
    if (log_ && !is_next) {
      rewind_to_ = last_position_ + 1;
      return absl::OkStatus();
    }
    last_position_ = sequence;
    Message& message = messages->emplace_back();
    message.delivery = ++delivered_;
    message.key = natsMsg_GetSubject(handle.get());
    message.bytes.assign(natsMsg_GetData(handle.get()), static_cast<size_t>(natsMsg_GetDataLength(handle.get())));
    ReadHeaders(handle.get(), &message);
    if (log_) {
      message.position = source_;
      message.position->position = sequence;
    }
    unsettled_[message.delivery] = std::move(handle);
    return absl::OkStatus();
  }

  static void ReadHeaders(natsMsg* handle, Message* message) {
    const char** names = nullptr;
    int count = 0;
    if (natsMsgHeader_Keys(handle, &names, &count) != NATS_OK) return;
    for (int i = 0; i < count; ++i) {
      const char* value = nullptr;
      if (natsMsgHeader_Get(handle, names[i], &value) == NATS_OK) message->headers.emplace_back(names[i], value);
    }
    free(names);
  }

  absl::StatusOr<std::vector<Message>> Rewound() {
    const absl::Status subscribed = Subscribe(*rewind_to_);
    if (!subscribed.ok()) return subscribed;
    return std::vector<Message>();
  }

  static absl::Status SettleOne(natsMsg* handle, Settlement settlement) {
    switch (settlement) {
      case Settlement::kAck:
        return ToStatus(natsMsg_Ack(handle, nullptr), "acknowledging");
      case Settlement::kLater:
        return ToStatus(natsMsg_NakWithDelay(handle, kRedeliverAfterMs, nullptr), "asking for redelivery");
      case Settlement::kRefuse:
        return ToStatus(natsMsg_Term(handle, nullptr), "refusing");
    }
    return absl::OkStatus();
  }

  std::unique_ptr<Connection> connection_;
  natsSubscription* subscription_ = nullptr;
  std::string stream_;
  std::string name_;
  std::string filter_;
  bool log_ = true;
  int64_t ack_wait_s_ = 0;
  SourcePosition source_;
  std::map<uint64_t, MessageHandle> unsettled_;  // by delivery
  uint64_t delivered_ = 0;                       // by this consumer of the server
  uint64_t last_position_ = 0;                   // given
  std::optional<uint64_t> rewind_to_;
  std::optional<uint64_t> lag_;
};

class NatsProducer : public Producer {
 public:
  static absl::StatusOr<std::unique_ptr<Producer>> Open(Url url) {
    std::unique_ptr<NatsProducer> producer(new NatsProducer);
    producer->subject_ = url.settings.Take("subject", url.path);
    const bool create = url.settings.Take("create", "no") == "yes";
    url.settings.Ignore({"consumer", "positions", "ack_wait", "incarnation"});
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.ErrHandler = CountError;
    options.PublishAsync.ErrHandlerClosure = &producer->errors_;
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(&url, &options);
    if (!connection.ok()) return connection.status();
    producer->connection_ = *std::move(connection);
    if (const absl::Status left = url.settings.CheckNoneLeft("nats"); !left.ok()) return left;
    const absl::StatusOr<StreamInfoHandle> stream = GetStream(*producer->connection_, url.path);
    if (stream.ok()) return producer;
    if (!create || !absl::IsNotFound(stream.status())) return stream.status();
    if (const absl::Status created = producer->Create(url.path); !created.ok()) return created;
    return producer;
  }

  absl::Status Send(const std::vector<Message>& messages) override {
    errors_ = 0;
    for (const Message& message : messages) {
      natsMsg* raw = nullptr;
      natsStatus status =
          natsMsg_Create(&raw, subject_.c_str(), nullptr, message.bytes.data(), static_cast<int>(message.bytes.size()));
      for (const auto& [name, value] : message.headers) {
        if (status == NATS_OK) status = natsMsgHeader_Set(raw, name.c_str(), value.c_str());
      }
      if (status == NATS_OK) status = js_PublishMsgAsync(connection_->jet_stream(), &raw, nullptr);
      natsMsg_Destroy(raw);
      if (status != NATS_OK) return ToStatus(status, "publishing");
    }
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MaxWait = kRequestMs;
    const absl::Status complete =
        ToStatus(js_PublishAsyncComplete(connection_->jet_stream(), &options), "waiting for confirmations");
    if (!complete.ok() || errors_ == 0) return complete;
    return absl::UnavailableError(fmt::format("NATS did not store {} of {} messages", errors_.load(), messages.size()));
  }

 private:
  NatsProducer() = default;

  static void CountError(jsCtx*, jsPubAckErr*, void* errors) { ++*static_cast<std::atomic<uint64_t>*>(errors); }

  absl::Status Create(const std::string& stream) const {
    const char* subjects[] = {subject_.c_str()};
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = stream.c_str();
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    jsErrCode code = static_cast<jsErrCode>(0);
    return ToStatus(js_AddStream(nullptr, connection_->jet_stream(), &config, nullptr, &code), "creating the stream",
                    code);
  }

  std::atomic<uint64_t> errors_{0};  // outlives the connection, whose threads count it
  std::unique_ptr<Connection> connection_;
  std::string subject_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Consumer>> OpenNatsConsumer(Url url, const Cursors& cursors) {
  return NatsConsumer::Open(std::move(url), cursors);
}

absl::StatusOr<std::unique_ptr<Producer>> OpenNatsProducer(Url url) { return NatsProducer::Open(std::move(url)); }

}  // namespace semel::streams
