// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/mqtt.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/streams/mqtt_packet.h"
#include "api/streams/socket.h"

namespace semel::streams {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kPort = 1883;
constexpr int kTlsPort = 8883;
constexpr milliseconds kAnswerWait{10'000};
constexpr std::chrono::seconds kPingAfter{20};   // without a packet sent
constexpr std::chrono::seconds kSilenceMax{60};  // without a packet received
constexpr size_t kPacketBytesMax = size_t{16} << 20;

// A connection that has logged in.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(Url* url, bool keep_session) {
    std::unique_ptr<Connection> connection(new Connection);
    absl::StatusOr<std::unique_ptr<Socket>> socket = Socket::Connect(url, kPort, kTlsPort);
    if (!socket.ok()) return Named(socket.status());
    connection->socket_ = *std::move(socket);
    MqttLogin login;
    login.client = url->settings.Take("client", keep_session ? "semel" : "");
    login.user = url->settings.Take("user");
    login.password = url->settings.Take("password");
    login.keep_session = keep_session;
    if (const absl::Status left = url->settings.CheckNoneLeft("mqtt"); !left.ok()) return left;
    if (const absl::Status sent = connection->Write(MqttConnect(login)); !sent.ok()) return sent;
    const absl::StatusOr<MqttPacket> packet = connection->Await(MqttType::kConnAck);
    if (!packet.ok()) return packet.status();
    const absl::StatusOr<MqttConnAck> answer = ReadMqttConnAck(packet->body);
    if (!answer.ok()) return answer.status();
    connection->receive_maximum_ = answer->receive_maximum;
    return connection;
  }

  ~Connection() {
    if (socket_ != nullptr) (void)Write(MqttDisconnect());
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  size_t receive_maximum() const { return receive_maximum_; }

  absl::Status Write(std::string_view bytes) {
    last_sent_ = Clock::now();
    return Named(socket_->Send(bytes));
  }

  // The next packet, or nullopt if none came in time. Good until the next call.
  absl::StatusOr<std::optional<MqttPacket>> Read(milliseconds wait) {
    const Clock::time_point end = Clock::now() + wait;
    while (true) {
      std::string_view rest = std::string_view(buffer_).substr(at_);
      const absl::StatusOr<std::optional<MqttPacket>> packet = CutMqttPacket(&rest);
      at_ = buffer_.size() - rest.size();
      if (!packet.ok() || packet->has_value()) return packet;
      if (const absl::Status alive = KeepAlive(); !alive.ok()) return alive;
      const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
      const absl::StatusOr<bool> more = Fill(std::max(left, milliseconds(0)));
      if (!more.ok()) return more.status();
      if (!*more && Clock::now() >= end) return std::nullopt;
    }
  }

  // The next packet of a type; others are passed over. Only before anything else can come.
  absl::StatusOr<MqttPacket> Await(MqttType type) {
    while (true) {
      const absl::StatusOr<std::optional<MqttPacket>> packet = Read(kAnswerWait);
      if (!packet.ok()) return packet.status();
      if (!packet->has_value()) return absl::UnavailableError("MQTT: the broker does not answer");
      if ((*packet)->type == type) return **packet;
    }
  }

 private:
  Connection() = default;

  static absl::Status Named(const absl::Status& status) {
    return status.ok() ? status : absl::Status(status.code(), absl::StrCat("MQTT, ", status.message()));
  }

  absl::Status KeepAlive() {
    const Clock::time_point now = Clock::now();
    if (now - last_received_ > kSilenceMax) return absl::UnavailableError("MQTT: the broker is silent");
    return now - last_sent_ > kPingAfter ? Write(MqttPingReq()) : absl::OkStatus();
  }

  // Waits for bytes; false if none came.
  absl::StatusOr<bool> Fill(milliseconds wait) {
    buffer_.erase(0, std::exchange(at_, 0));
    if (buffer_.size() > kPacketBytesMax) return absl::ResourceExhaustedError("MQTT: a packet is larger than 16 MiB");
    const absl::StatusOr<bool> more = socket_->Receive(wait, &buffer_);
    if (!more.ok()) return Named(more.status());
    if (*more) last_received_ = Clock::now();
    return more;
  }

  std::unique_ptr<Socket> socket_;
  size_t receive_maximum_ = 0;
  std::string buffer_;
  size_t at_ = 0;  // where the rest of the buffer begins
  Clock::time_point last_sent_ = Clock::now();
  Clock::time_point last_received_ = Clock::now();
};

class MqttConsumer : public Consumer {
 public:
  static absl::StatusOr<std::unique_ptr<Consumer>> Open(Url url) {
    std::unique_ptr<MqttConsumer> consumer(new MqttConsumer);
    url.settings.Ignore({"create"});
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(&url, /*keep_session=*/true);
    if (!connection.ok()) return connection.status();
    consumer->connection_ = *std::move(connection);
    const absl::Status asked = consumer->connection_->Write(MqttSubscribe(kSubscription, url.path));
    if (!asked.ok()) return asked;
    return consumer;
  }

  absl::StatusOr<std::vector<Message>> Poll(size_t max, milliseconds wait) override {
    std::vector<Message> messages = std::exchange(again_, {});
    if (!messages.empty()) wait = milliseconds(0);
    while (messages.size() < max) {
      const absl::StatusOr<std::optional<MqttPacket>> packet = connection_->Read(wait);
      if (!packet.ok()) return packet.status();
      if (!packet->has_value()) break;
      if (const absl::Status taken = Take(**packet, &messages); !taken.ok()) return taken;
      if (!messages.empty()) wait = milliseconds(0);
    }
    return messages;
  }

  absl::Status Settle(const Message& message, Settlement settlement) override {
    if (settlement == Settlement::kLater) {
      again_.push_back(message);
    } else if (message.delivery != 0) {
      acknowledgements_ += MqttPubAck(static_cast<uint16_t>(message.delivery));
    }
    return absl::OkStatus();
  }

  absl::Status Commit() override { return connection_->Write(std::exchange(acknowledgements_, "")); }

  absl::StatusOr<bool> AtEnd() override { return subscribed_ && again_.empty(); }  // nobody knows what the broker holds

 private:
  static constexpr uint16_t kSubscription = 1;

  MqttConsumer() = default;

  // What a kept session holds may come before the answer to the subscription.
  absl::Status Take(const MqttPacket& packet, std::vector<Message>* messages) {
    if (packet.type == MqttType::kDisconnect) return absl::UnavailableError("MQTT: the broker ends the connection");
    if (packet.type == MqttType::kSubAck) {
      const absl::StatusOr<MqttAck> ack = ReadMqttAck(packet);
      if (!ack.ok()) return ack.status();
      subscribed_ = ack->reason < 0x80;
      return subscribed_ ? absl::OkStatus()
                         : absl::PermissionDeniedError(
                               fmt::format("MQTT: the broker refuses the subscription, reason {:#x}", ack->reason));
    }
    if (packet.type != MqttType::kPublish) return absl::OkStatus();
    absl::StatusOr<MqttDelivery> delivery = ReadMqttPublish(packet);
    if (!delivery.ok()) return delivery.status();
    delivery->message.delivery = delivery->number;
    messages->push_back(std::move(delivery->message));
    return absl::OkStatus();
  }

  std::unique_ptr<Connection> connection_;
  std::string acknowledgements_;
  std::vector<Message> again_;
  bool subscribed_ = false;
};

class MqttProducer : public Producer {
 public:
  static absl::StatusOr<std::unique_ptr<Producer>> Open(Url url) {
    std::unique_ptr<MqttProducer> producer(new MqttProducer);
    producer->topic_ = url.path;
    url.settings.Ignore({"create", "client"});
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(&url, /*keep_session=*/false);
    if (!connection.ok()) return connection.status();
    producer->connection_ = *std::move(connection);
    return producer;
  }

  absl::Status Send(const std::vector<Message>& messages) override {
    size_t open = 0;
    for (const Message& message : messages) {
      if (open == connection_->receive_maximum()) {
        if (const absl::Status confirmed = AwaitAck(); !confirmed.ok()) return confirmed;
        --open;
      }
      number_ = number_ == 65535 ? 1 : number_ + 1;
      const absl::StatusOr<std::string> packet = MqttPublish(number_, topic_, message);
      if (!packet.ok()) return packet.status();
      if (const absl::Status sent = connection_->Write(*packet); !sent.ok()) return sent;
      ++open;
    }
    for (; open > 0; --open) {
      if (const absl::Status confirmed = AwaitAck(); !confirmed.ok()) return confirmed;
    }
    return absl::OkStatus();
  }

 private:
  MqttProducer() = default;

  absl::Status AwaitAck() {
    const absl::StatusOr<MqttPacket> packet = connection_->Await(MqttType::kPubAck);
    if (!packet.ok()) return packet.status();
    const absl::StatusOr<MqttAck> ack = ReadMqttAck(*packet);
    if (!ack.ok()) return ack.status();
    if (ack->reason < 0x80) return absl::OkStatus();
    return absl::FailedPreconditionError(fmt::format("MQTT: the broker refuses a message, reason {:#x}", ack->reason));
  }

  std::unique_ptr<Connection> connection_;
  std::string topic_;
  uint16_t number_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Consumer>> OpenMqttConsumer(Url url, const Cursors&) {
  return MqttConsumer::Open(std::move(url));
}

absl::StatusOr<std::unique_ptr<Producer>> OpenMqttProducer(Url url) { return MqttProducer::Open(std::move(url)); }

}  // namespace semel::streams
