// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/rabbitmq.h"

#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"

namespace semel::streams {
namespace {

using Clock = std::chrono::steady_clock;

constexpr amqp_channel_t kChannel = 1;
constexpr int kHeartbeatSeconds = 60;
constexpr timeval kConnectTimeout{5, 0};
constexpr timeval kConfirmTimeout{30, 0};
constexpr std::chrono::seconds kLagPause{1};  // between two questions

amqp_bytes_t Bytes(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view Text(amqp_bytes_t bytes) { return {static_cast<const char*>(bytes.bytes), bytes.len}; }

absl::Status Refused(int code, amqp_bytes_t text, std::string_view doing) {
  const std::string line = fmt::format("RabbitMQ, {}: {} {}", doing, code, Text(text));
  if (code == AMQP_NOT_FOUND) return absl::NotFoundError(line);
  if (code == AMQP_ACCESS_REFUSED) return absl::PermissionDeniedError(line);
  if (code == AMQP_PRECONDITION_FAILED) return absl::FailedPreconditionError(line);
  return absl::UnavailableError(line);
}

absl::Status ToStatus(const amqp_rpc_reply_t& reply, std::string_view doing) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return absl::OkStatus();
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* const close = static_cast<const amqp_channel_close_t*>(reply.reply.decoded);
    return Refused(close->reply_code, close->reply_text, doing);
  }
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* const close = static_cast<const amqp_connection_close_t*>(reply.reply.decoded);
    return Refused(close->reply_code, close->reply_text, doing);
  }
  return absl::UnavailableError(fmt::format("RabbitMQ, {}: {}", doing, amqp_error_string2(reply.library_error)));
}

// A connection with one channel, and the queue that it is about.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(Url* url) {
    std::unique_ptr<Connection> connection(new Connection(url->path));
    if (const absl::Status opened = connection->OpenSocket(url); !opened.ok()) return opened;
    const std::string vhost = url->settings.Take("vhost", "/");
    const std::string user = url->settings.Take("user", "guest");
    const std::string password = url->settings.Take("password", "guest");
    const bool create = url->settings.Take("create", "no") == "yes";
    amqp_connection_state_t state = connection->state_;
    const amqp_rpc_reply_t login =
        amqp_login(state, vhost.c_str(), AMQP_DEFAULT_MAX_CHANNELS, AMQP_DEFAULT_FRAME_SIZE, kHeartbeatSeconds,
                   AMQP_SASL_METHOD_PLAIN, user.c_str(), password.c_str());
    if (const absl::Status status = ToStatus(login, "logging in"); !status.ok()) return status;
    amqp_channel_open(state, kChannel);
    if (const absl::Status status = connection->Last("opening a channel"); !status.ok()) return status;
    const absl::StatusOr<uint64_t> waiting = connection->Declare(/*passive=*/!create);
    if (!waiting.ok()) return waiting.status();
    return connection;
  }

  ~Connection() { amqp_destroy_connection(state_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  amqp_connection_state_t state() const { return state_; }
  amqp_bytes_t queue() const { return Bytes(queue_); }

  // Of the last call that asked the broker for an answer.
  absl::Status Last(std::string_view doing) const { return ToStatus(amqp_get_rpc_reply(state_), doing); }

  // How many messages wait in the queue; those that were delivered and not acknowledged are not among them.
  absl::StatusOr<uint64_t> Declare(bool passive) const {
    const amqp_queue_declare_ok_t* const queue_info = amqp_queue_declare(
        state_, kChannel, queue(), passive, /*durable=*/1, /*exclusive=*/0, /*auto_delete=*/0, amqp_empty_table);
    const absl::Status status = Last("looking for queue " + queue_);
    if (!status.ok()) return status;
    return queue_info->message_count;
  }

 private:
  explicit Connection(std::string queue) : state_(amqp_new_connection()), queue_(std::move(queue)) {}

  absl::Status OpenSocket(Url* url) {
    const std::optional<std::string> ca = url->settings.Take("ca");
    const std::optional<std::string> certificate = url->settings.Take("certificate");
    amqp_socket_t* const socket = ca.has_value() ? amqp_ssl_socket_new(state_) : amqp_tcp_socket_new(state_);
    if (socket == nullptr) return absl::ResourceExhaustedError("RabbitMQ: no socket");
    int code = AMQP_STATUS_OK;
    if (ca.has_value()) code = amqp_ssl_socket_set_cacert(socket, ca->c_str());
    if (ca.has_value() && certificate.has_value() && code == AMQP_STATUS_OK) {
      code = amqp_ssl_socket_set_key(socket, certificate->c_str(), url->settings.Take("key", "").c_str());
    }
    if (code != AMQP_STATUS_OK) {
      return absl::InvalidArgumentError(fmt::format("RabbitMQ, TLS: {}", amqp_error_string2(code)));
    }
    code = amqp_socket_open_noblock(socket, url->Host().c_str(), url->Port(ca.has_value() ? 5671 : 5672),
                                    &kConnectTimeout);
    if (code == AMQP_STATUS_OK) return absl::OkStatus();
    const std::string text = fmt::format("RabbitMQ, connecting to {}: {}", url->hosts, amqp_error_string2(code));
    const bool bad_certificate =
        code == AMQP_STATUS_SSL_PEER_VERIFY_FAILED || code == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED;
    return bad_certificate ? absl::PermissionDeniedError(text) : absl::UnavailableError(text);
  }

  const amqp_connection_state_t state_;
  const std::string queue_;
};

class RabbitMqConsumer : public Consumer {
 public:
  static absl::StatusOr<std::unique_ptr<Consumer>> Open(Url url) {
    std::unique_ptr<RabbitMqConsumer> consumer(new RabbitMqConsumer);
    uint32_t prefetch = 0;
    if (!absl::SimpleAtoi(url.settings.Take("prefetch", "5000"), &prefetch) || prefetch == 0 || prefetch > 65535) {
      return absl::InvalidArgumentError("amqp: prefetch takes a number, 1 .. 65535");
    }
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(&url);
    if (!connection.ok()) return connection.status();
    consumer->connection_ = *std::move(connection);
    if (const absl::Status left = url.settings.CheckNoneLeft("amqp"); !left.ok()) return left;
    if (const absl::Status begun = consumer->Begin(static_cast<uint16_t>(prefetch)); !begun.ok()) return begun;
    return consumer;
  }

  absl::StatusOr<std::vector<Message>> Poll(size_t max, std::chrono::milliseconds wait) override {
    std::vector<Message> messages;
    timeval timeout{wait.count() / 1000, (wait.count() % 1000) * 1000};
    while (messages.size() < max) {
      amqp_envelope_t envelope;
      amqp_maybe_release_buffers(connection_->state());
      const amqp_rpc_reply_t reply = amqp_consume_message(connection_->state(), &envelope, &timeout, 0);
      const bool nothing =
          reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT;
      if (nothing) break;
      if (const absl::Status status = ToStatus(reply, "reading"); !status.ok()) return status;
      Take(envelope, &messages);
      amqp_destroy_envelope(&envelope);
      timeout = {0, 0};
    }
    return messages;
  }

  // What is not acknowledged is said at once. Acknowledgements are kept for Commit, which sends one for all of them: a
  // message before it that was not acknowledged has been settled by then.
  absl::Status Settle(const Message& message, Settlement settlement) override {
    if (settlement == Settlement::kAck) {
      acknowledge_ = message.delivery;
      return absl::OkStatus();
    }
    const int code = amqp_basic_nack(connection_->state(), kChannel, message.delivery, /*multiple=*/0,
                                     /*requeue=*/settlement == Settlement::kLater);
    return Sent(code, "refusing");
  }

  absl::Status Commit() override {
    if (acknowledge_ == 0) return absl::OkStatus();
    const int code = amqp_basic_ack(connection_->state(), kChannel, std::exchange(acknowledge_, 0), /*multiple=*/1);
    return Sent(code, "acknowledging");
  }

  std::optional<uint64_t> Lag() override {
    if (Clock::now() < next_question_) return lag_;
    next_question_ = Clock::now() + kLagPause;
    const absl::StatusOr<uint64_t> waiting = connection_->Declare(/*passive=*/true);
    if (waiting.ok()) lag_ = *waiting;
    return lag_;
  }

  absl::StatusOr<bool> AtEnd() override {
    const absl::StatusOr<uint64_t> waiting = connection_->Declare(/*passive=*/true);
    if (!waiting.ok()) return waiting.status();
    return *waiting == 0;
  }

 private:
  RabbitMqConsumer() = default;

  absl::Status Begin(uint16_t prefetch) {
    amqp_basic_qos(connection_->state(), kChannel, 0, prefetch, 0);
    if (const absl::Status status = connection_->Last("setting the prefetch"); !status.ok()) return status;
    amqp_basic_consume(connection_->state(), kChannel, connection_->queue(), amqp_empty_bytes, /*no_local=*/0,
                       /*no_ack=*/0, /*exclusive=*/0, amqp_empty_table);
    return connection_->Last("consuming");
  }

  static absl::Status Sent(int code, std::string_view doing) {
    if (code == AMQP_STATUS_OK) return absl::OkStatus();
    return absl::UnavailableError(fmt::format("RabbitMQ, {}: {}", doing, amqp_error_string2(code)));
  }

  static void Take(const amqp_envelope_t& envelope, std::vector<Message>* messages) {
    Message& message = messages->emplace_back();
    message.delivery = envelope.delivery_tag;
    message.key = Text(envelope.routing_key);
    message.bytes = Text(envelope.message.body);
    const amqp_basic_properties_t& properties = envelope.message.properties;
    if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) == 0) return;
    for (int i = 0; i < properties.headers.num_entries; ++i) {
      const amqp_table_entry_t& entry = properties.headers.entries[i];
      if (entry.value.kind != AMQP_FIELD_KIND_UTF8 && entry.value.kind != AMQP_FIELD_KIND_BYTES) continue;
      message.headers.emplace_back(Text(entry.key), Text(entry.value.value.bytes));
    }
  }

  std::unique_ptr<Connection> connection_;
  uint64_t acknowledge_ = 0;  // the last delivery to be acknowledged; 0: none
  std::optional<uint64_t> lag_;
  Clock::time_point next_question_;
};

class RabbitMqProducer : public Producer {
 public:
  static absl::StatusOr<std::unique_ptr<Producer>> Open(Url url) {
    std::unique_ptr<RabbitMqProducer> producer(new RabbitMqProducer);
    url.settings.Ignore({"prefetch"});
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(&url);
    if (!connection.ok()) return connection.status();
    producer->connection_ = *std::move(connection);
    if (const absl::Status left = url.settings.CheckNoneLeft("amqp"); !left.ok()) return left;
    amqp_confirm_select(producer->connection_->state(), kChannel);
    const absl::Status confirming = producer->connection_->Last("asking for confirms");
    if (!confirming.ok()) return confirming;
    return producer;
  }

  absl::Status Send(const std::vector<Message>& messages) override {
    for (const Message& message : messages) {
      if (const absl::Status published = Publish(message); !published.ok()) return published;
    }
    while (confirmed_ < published_) {
      if (const absl::Status waited = AwaitConfirm(); !waited.ok()) return waited;
    }
    return absl::OkStatus();
  }

 private:
  RabbitMqProducer() = default;

  absl::Status Publish(const Message& message) {
    std::vector<amqp_table_entry_t> entries;
    for (const auto& [name, value] : message.headers) {
      amqp_field_value_t field{};
      field.kind = AMQP_FIELD_KIND_UTF8;
      field.value.bytes = Bytes(value);
      entries.push_back({Bytes(name), field});
    }
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_HEADERS_FLAG;
    properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
    properties.headers = {static_cast<int>(entries.size()), entries.data()};
    const int code = amqp_basic_publish(connection_->state(), kChannel, amqp_empty_bytes, connection_->queue(),
                                        /*mandatory=*/1, /*immediate=*/0, &properties, Bytes(message.bytes));
    if (code != AMQP_STATUS_OK) {
      return absl::UnavailableError(fmt::format("RabbitMQ, publishing: {}", amqp_error_string2(code)));
    }
    ++published_;
    return absl::OkStatus();
  }

  // One frame of the broker: an acknowledgement of one message, or of all up to it.
  absl::Status AwaitConfirm() {
    amqp_frame_t frame;
    amqp_maybe_release_buffers(connection_->state());
    const int code = amqp_simple_wait_frame_noblock(connection_->state(), &frame, &kConfirmTimeout);
    if (code != AMQP_STATUS_OK) {
      return absl::UnavailableError(fmt::format("RabbitMQ, waiting for confirms: {}", amqp_error_string2(code)));
    }
    if (frame.frame_type != AMQP_FRAME_METHOD) return absl::OkStatus();
    if (frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
      const auto* const ack = static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
      confirmed_ = ack->multiple != 0 ? ack->delivery_tag : confirmed_ + 1;
      return absl::OkStatus();
    }
    return absl::UnavailableError("RabbitMQ did not take a message: is the queue still there?");
  }

  std::unique_ptr<Connection> connection_;
  uint64_t published_ = 0;
  uint64_t confirmed_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Consumer>> OpenRabbitMqConsumer(Url url, const Cursors&) {
  return RabbitMqConsumer::Open(std::move(url));
}

absl::StatusOr<std::unique_ptr<Producer>> OpenRabbitMqProducer(Url url) {
  return RabbitMqProducer::Open(std::move(url));
}

}  // namespace semel::streams
