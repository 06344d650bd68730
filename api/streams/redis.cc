// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/redis.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"

namespace semel::streams {
namespace {

constexpr int kSequenceBits = 20;
constexpr timeval kConnectTimeout{5, 0};
constexpr timeval kCallTimeout{30, 0};

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using ReplyHandle = std::unique_ptr<redisReply, FreeReply>;

std::string_view Text(const redisReply& reply) { return {reply.str, reply.len}; }

// The position of an entry's id. Errors: InvalidArgument (an id that an XADD chose so large that it has none).
absl::StatusOr<uint64_t> ToPosition(std::string_view id) {
  const size_t dash = id.find('-');
  uint64_t milliseconds = 0;
  uint64_t sequence = 0;
  const std::string head(id.substr(0, dash));
  const std::string tail(dash == std::string_view::npos ? "0" : id.substr(dash + 1));
  const bool fits = absl::SimpleAtoi(head, &milliseconds) && absl::SimpleAtoi(tail, &sequence) &&
                    milliseconds < uint64_t{1} << (64 - kSequenceBits) && sequence < uint64_t{1} << kSequenceBits;
  if (fits) return milliseconds << kSequenceBits | sequence;
  return absl::InvalidArgumentError(
      fmt::format("Redis: entry {} has no position: ids must stay below 2^44 milliseconds and 2^20 entries in one; let "
                  "XADD choose them (*)",
                  id));
}

std::string ToId(uint64_t position) {
  return fmt::format("{}-{}", position >> kSequenceBits, position & ((uint64_t{1} << kSequenceBits) - 1));
}

class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(Url* url) {
    if (url->settings.Take("ca").has_value()) {
      return absl::InvalidArgumentError("redis: no TLS with this hiredis; put a TLS tunnel in front of semel");
    }
    std::unique_ptr<Connection> connection(
        new Connection(redisConnectWithTimeout(url->Host().c_str(), url->Port(6379), kConnectTimeout)));
    if (connection->context_ == nullptr || connection->context_->err != 0) return connection->Lost();
    redisSetTimeout(connection->context_.get(), kCallTimeout);
    const std::optional<std::string> user = url->settings.Take("user");
    const std::optional<std::string> password = url->settings.Take("password");
    if (!password.has_value()) return connection;
    std::vector<std::string> login = {"AUTH"};
    if (user.has_value()) login.push_back(*user);
    login.push_back(*password);
    const absl::StatusOr<ReplyHandle> reply = connection->Call(login);
    if (!reply.ok()) return reply.status();
    return connection;
  }

  // Errors: Unavailable (the connection), FailedPrecondition (what Redis answers instead).
  absl::StatusOr<ReplyHandle> Call(const std::vector<std::string>& words) {
    Append(words);
    return Read();
  }

  // Several calls at once: first all of them, then as many answers.
  void Append(const std::vector<std::string>& words) {
    std::vector<const char*> texts;
    std::vector<size_t> sizes;
    for (const std::string& word : words) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data());
  }

  absl::StatusOr<ReplyHandle> Read() {
    void* raw = nullptr;
    if (redisGetReply(context_.get(), &raw) != REDIS_OK) return Lost();
    ReplyHandle reply(static_cast<redisReply*>(raw));
    if (reply->type != REDIS_REPLY_ERROR) return reply;
    const std::string text = fmt::format("Redis: {}", Text(*reply));
    if (Text(*reply).substr(0, 7) == "LOADING") return absl::UnavailableError(text);
    if (Text(*reply).substr(0, 7) == "NOGROUP") return absl::UnavailableError(text);
    return absl::FailedPreconditionError(text);
  }

 private:
  explicit Connection(redisContext* context) : context_(context) {}

  absl::Status Lost() const {
    return absl::UnavailableError(fmt::format("Redis: {}", context_ == nullptr ? "no memory" : context_->errstr));
  }

  std::unique_ptr<redisContext, FreeContext> context_;
};

class RedisConsumer : public Consumer {
 public:
  static absl::StatusOr<std::unique_ptr<Consumer>> Open(Url url, const Cursors& cursors) {
    std::unique_ptr<RedisConsumer> consumer(new RedisConsumer);
    consumer->stream_ = url.path;
    consumer->group_ = url.settings.Take("group", "semel");
    consumer->source_.name = "redis:" + url.path;
    consumer->source_.incarnation = url.settings.Take("incarnation", "");
    url.settings.Ignore({"create"});
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(&url);
    if (!connection.ok()) return connection.status();
    consumer->connection_ = *std::move(connection);
    if (const absl::Status left = url.settings.CheckNoneLeft("redis"); !left.ok()) return left;
    if (const absl::Status begun = consumer->Begin(cursors); !begun.ok()) return begun;
    return consumer;
  }

  absl::StatusOr<std::vector<Message>> Poll(size_t max, std::chrono::milliseconds wait) override {
    const absl::StatusOr<ReplyHandle> reply =
        connection_->Call({"XREADGROUP", "GROUP", group_, kName, "COUNT", std::to_string(max), "BLOCK",
                           std::to_string(std::max<int64_t>(wait.count(), 1)), "STREAMS", stream_, ">"});
    if (!reply.ok()) return reply.status();
    std::vector<Message> messages;
    if ((*reply)->type != REDIS_REPLY_ARRAY) return messages;  // nothing came
    const redisReply& entries = *(*reply)->element[0]->element[1];
    for (size_t i = 0; i < entries.elements; ++i) {
      if (const absl::Status taken = Take(*entries.element[i], &messages); !taken.ok()) return taken;
    }
    return messages;
  }

  absl::Status Settle(const Message& message, Settlement settlement) override {
    const uint64_t position = message.position->position;
    if (settlement == Settlement::kLater) {
      rewind_to_ = std::min(rewind_to_.value_or(position), position);
    } else if (!rewind_to_.has_value()) {
      acknowledged_.push_back(ToId(position));
    }
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    if (const absl::Status sent = Acknowledge(); !sent.ok()) return sent;
    if (!rewind_to_.has_value()) return absl::OkStatus();
    return SetEnd(*std::exchange(rewind_to_, std::nullopt) - 1);
  }

  // Redis counts it; nil while it does not know.
  std::optional<uint64_t> Lag() override {
    const absl::StatusOr<ReplyHandle> groups = connection_->Call({"XINFO", "GROUPS", stream_});
    if (!groups.ok() || (*groups)->type != REDIS_REPLY_ARRAY) return std::nullopt;
    for (size_t i = 0; i < (*groups)->elements; ++i) {
      const redisReply& group = *(*groups)->element[i];
      const redisReply* const name = Field(group, "name");
      const redisReply* const lag = Field(group, "lag");
      if (name == nullptr || lag == nullptr || Text(*name) != group_) continue;
      if (lag->type == REDIS_REPLY_INTEGER) return static_cast<uint64_t>(lag->integer);
    }
    return std::nullopt;
  }

  absl::StatusOr<bool> AtEnd() override { return true; }  // a read that waited found nothing new

 private:
  static constexpr const char* kName = "semel";  // of the consumer within its group: a ledger has one writer

  RedisConsumer() = default;

  absl::Status Begin(const Cursors& cursors) {
    // Of an earlier run the group may be there.
    const absl::StatusOr<ReplyHandle> made = connection_->Call({"XGROUP", "CREATE", stream_, group_, "0", "MKSTREAM"});
    if (!made.ok() && made.status().message().find("BUSYGROUP") == absl::string_view::npos) return made.status();
    // How long the stream is says nothing: its ids are times, which do not start anew.
    const absl::StatusOr<std::optional<uint64_t>> next = NextPosition(cursors, source_, std::nullopt);
    if (!next.ok()) return next.status();
    const uint64_t consumed = next->value_or(1) - 1;
    if (const absl::Status claimed = ClaimPending(consumed); !claimed.ok()) return claimed;
    return SetEnd(consumed);
  }

  // Takes over what is pending with whoever had it, and acknowledges what the ledger has. The rest is read again.
  absl::Status ClaimPending(uint64_t consumed) {
    std::string from = "0-0";
    do {
      const absl::StatusOr<ReplyHandle> reply =
          connection_->Call({"XAUTOCLAIM", stream_, group_, kName, "0", from, "COUNT", "1000", "JUSTID"});
      if (!reply.ok()) return reply.status();
      from = Text(*(*reply)->element[0]);
      const redisReply& ids = *(*reply)->element[1];
      for (size_t i = 0; i < ids.elements; ++i) {
        const absl::StatusOr<uint64_t> position = ToPosition(Text(*ids.element[i]));
        if (!position.ok()) return position.status();
        if (*position <= consumed) acknowledged_.emplace_back(Text(*ids.element[i]));
      }
      if (const absl::Status sent = Acknowledge(); !sent.ok()) return sent;
    } while (from != "0-0");
    return absl::OkStatus();
  }

  absl::Status Acknowledge() {
    if (acknowledged_.empty()) return absl::OkStatus();
    std::vector<std::string> words = {"XACK", stream_, group_};
    words.insert(words.end(), acknowledged_.begin(), acknowledged_.end());
    acknowledged_.clear();
    return connection_->Call(words).status();
  }

  // From now on, entries behind this position are new to the group.
  absl::Status SetEnd(uint64_t position) {
    return connection_->Call({"XGROUP", "SETID", stream_, group_, ToId(position)}).status();
  }

  // Of a reply that lists names and values.
  static const redisReply* Field(const redisReply& reply, std::string_view name) {
    for (size_t i = 0; i + 1 < reply.elements; i += 2) {
      if (Text(*reply.element[i]) == name) return reply.element[i + 1];
    }
    return nullptr;
  }

  absl::Status Take(const redisReply& entry, std::vector<Message>* messages) {
    const absl::StatusOr<uint64_t> position = ToPosition(Text(*entry.element[0]));
    if (!position.ok()) return position.status();
    Message& message = messages->emplace_back();
    message.position = source_;
    message.position->position = *position;
    const redisReply& fields = *entry.element[1];
    message.empty = fields.type != REDIS_REPLY_ARRAY;  // deleted since
    for (size_t i = 0; !message.empty && i + 1 < fields.elements; i += 2) {
      const std::string_view name = Text(*fields.element[i]);
      if (name == "data" || fields.elements == 2) {
        message.bytes = Text(*fields.element[i + 1]);
      } else {
        message.headers.emplace_back(name, Text(*fields.element[i + 1]));
      }
    }
    return absl::OkStatus();
  }

  std::unique_ptr<Connection> connection_;
  std::string stream_;
  std::string group_;
  SourcePosition source_;
  std::vector<std::string> acknowledged_;
  std::optional<uint64_t> rewind_to_;
};

class RedisProducer : public Producer {
 public:
  static absl::StatusOr<std::unique_ptr<Producer>> Open(Url url) {
    std::unique_ptr<RedisProducer> producer(new RedisProducer);
    producer->stream_ = url.path;
    url.settings.Ignore({"group", "incarnation", "create"});
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(&url);
    if (!connection.ok()) return connection.status();
    producer->connection_ = *std::move(connection);
    if (const absl::Status left = url.settings.CheckNoneLeft("redis"); !left.ok()) return left;
    return producer;
  }

  absl::Status Send(const std::vector<Message>& messages) override {
    for (const Message& message : messages) {
      std::vector<std::string> words = {"XADD", stream_, "*", "data", message.bytes};
      for (const auto& [name, value] : message.headers) {
        words.push_back(name);
        words.push_back(value);
      }
      connection_->Append(words);
    }
    for (size_t i = 0; i < messages.size(); ++i) {
      const absl::StatusOr<ReplyHandle> reply = connection_->Read();
      if (!reply.ok()) return reply.status();
    }
    return absl::OkStatus();
  }

 private:
  RedisProducer() = default;

  std::unique_ptr<Connection> connection_;
  std::string stream_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Consumer>> OpenRedisConsumer(Url url, const Cursors& cursors) {
  return RedisConsumer::Open(std::move(url), cursors);
}

absl::StatusOr<std::unique_ptr<Producer>> OpenRedisProducer(Url url) { return RedisProducer::Open(std::move(url)); }

}  // namespace semel::streams
