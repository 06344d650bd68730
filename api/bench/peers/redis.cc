// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Redis: a server of our own behind a local socket, appendonly with appendfsync always, one call of a Lua script a
// batch. An account is a hash.

#include <hiredis/hiredis.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/bench/batch.h"
#include "api/bench/peers/peers.h"
#include "api/bench/peers/server_process.h"
#include "engine/base/status_macros.h"

namespace semel::bench {
namespace {

// KEYS: of the updates; ARGV: expected version, amount, id, value of each.
constexpr char kApply[] = R"lua(
local applied = 0
for i = 1, #KEYS do
  local a = i * 4 - 3
  local found = redis.call('HMGET', KEYS[i], 'version', 'balance')
  if (found[1] or '0') == ARGV[a] then
    redis.call('HSET', KEYS[i], 'version', string.format('%.0f', ARGV[a] + 1), 'balance',
               string.format('%.0f', (found[2] or 0) + ARGV[a + 1]), 'id', ARGV[a + 2])
    if ARGV[a + 3] ~= '' then redis.call('HSET', KEYS[i], 'value', ARGV[a + 3]) end
    applied = applied + 1
  end
end
return applied
)lua";

constexpr char kSum[] = R"lua(
local versions, balance = 0, 0
for _, key in ipairs(redis.call('KEYS', '*')) do
  local found = redis.call('HMGET', key, 'version', 'balance')
  versions, balance = versions + found[1], balance + found[2]
end
return {string.format('%.0f', versions), string.format('%.0f', balance)}
)lua";

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

// A connection.
class Client {
 public:
  ~Client() {
    if (context_ != nullptr) redisFree(context_);
  }

  absl::Status Connect(const std::string& socket) {
    context_ = redisConnectUnix(socket.c_str());
    if (context_ == nullptr || context_->err != 0) return absl::UnavailableError("Redis does not answer");
    return absl::OkStatus();
  }

  absl::StatusOr<Reply> Call(const std::vector<std::string_view>& words) {
    pointers_.clear();
    lengths_.clear();
    for (const std::string_view word : words) {
      pointers_.push_back(word.data());
      lengths_.push_back(word.size());
    }
    Reply reply(static_cast<redisReply*>(
        redisCommandArgv(context_, static_cast<int>(words.size()), pointers_.data(), lengths_.data())));
    if (reply == nullptr) return absl::UnavailableError(absl::StrCat("Redis: ", context_->errstr));
    if (reply->type == REDIS_REPLY_ERROR) return absl::InternalError(absl::StrCat("Redis: ", reply->str));
    return reply;
  }

 private:
  redisContext* context_ = nullptr;
  std::vector<const char*> pointers_;
  std::vector<size_t> lengths_;
};

class RedisSession final : public Session {
 public:
  static absl::StatusOr<std::unique_ptr<Session>> Open(const std::string& socket) {
    auto session = std::make_unique<RedisSession>();
    SEMEL_RETURN_IF_ERROR(session->client_.Connect(socket));
    SEMEL_ASSIGN_OR_RETURN(const Reply loaded, session->client_.Call({"SCRIPT", "LOAD", kApply}));
    session->script_ = loaded->str;
    return session;
  }

  absl::StatusOr<uint64_t> Apply(absl::Span<const Change> changes) override {
    ListSteps(changes, &steps_);
    numbers_.clear();
    for (const Step& step : steps_) {
      numbers_.push_back(std::to_string(*step.update->expect_version));
      numbers_.push_back(std::to_string(static_cast<int64_t>(step.update->amount)));
    }
    const std::string key_count = std::to_string(steps_.size());
    words_ = {"EVALSHA", script_, key_count};
    for (const Step& step : steps_) words_.push_back(step.update->key);
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[i];
      words_.insert(words_.end(), {numbers_[2 * i], numbers_[2 * i + 1], step.change->id, step.update->value});
    }
    SEMEL_ASSIGN_OR_RETURN(const Reply reply, client_.Call(words_));
    return static_cast<uint64_t>(reply->integer);
  }

 private:
  Client client_;
  std::string script_;  // its SHA-1, by which it is called
  std::vector<Step> steps_;
  std::vector<std::string> numbers_;
  std::vector<std::string_view> words_;
};

class RedisContender final : public Contender {
 public:
  static OpenedContender Open(const Place& place) {
    SEMEL_ASSIGN_OR_RETURN(const std::string program, FindProgram("redis-server"));
    auto contender = std::make_unique<RedisContender>();
    const std::string socket = contender->socket();
    const Command command = {
        {program, "--port", "0", "--unixsocket", socket, "--dir", place.directory, "--save", "", "--appendonly", "yes",
         "--appendfsync", place.durability == Durability::kSynced ? "always" : "no"},
        contender->sockets_.path() + "/log",
        ""};
    const auto ready = [&] { return Client().Connect(socket).ok(); };
    SEMEL_ASSIGN_OR_RETURN(contender->server_, ServerProcess::Start(command, ready));
    return contender;
  }

  absl::StatusOr<std::unique_ptr<Session>> NewSession() override { return RedisSession::Open(socket()); }

  absl::StatusOr<Totals> Sum() override {
    Client client;
    SEMEL_RETURN_IF_ERROR(client.Connect(socket()));
    SEMEL_ASSIGN_OR_RETURN(const Reply sums, client.Call({"EVAL", kSum, "0"}));
    return Totals{std::strtoull(sums->element[0]->str, nullptr, 10), std::strtoll(sums->element[1]->str, nullptr, 10)};
  }

 private:
  std::string socket() const { return sockets_.path() + "/redis"; }

  const SocketDirectory sockets_;
  std::unique_ptr<ServerProcess> server_;
};

}  // namespace

OpenedContender OpenRedis(const Place& place) { return RedisContender::Open(place); }

}  // namespace semel::bench
