// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/kafka.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_split.h"

namespace semel::streams {
namespace {

constexpr int kRequestMs = 5000;
constexpr int kFlushMs = 30'000;

// From this version on, librdkafka can destroy a client that has joined a group and was assigned nothing yet. Before,
// it aborts the process (its issue 4312).
constexpr int kDestroysUnassigned = 0x02030000;
constexpr int kAssignmentWaits = 30;
constexpr int kAssignmentWaitMs = 100;

template <typename Type, void (*destroy)(Type*)>
struct Destroyer {
  void operator()(Type* object) const { destroy(object); }
};
using ConfHandle = std::unique_ptr<rd_kafka_conf_t, Destroyer<rd_kafka_conf_t, rd_kafka_conf_destroy>>;
using ListHandle = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                   Destroyer<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>>;
using MessageHandle = std::unique_ptr<rd_kafka_message_t, Destroyer<rd_kafka_message_t, rd_kafka_message_destroy>>;
using ErrorHandle = std::unique_ptr<rd_kafka_error_t, Destroyer<rd_kafka_error_t, rd_kafka_error_destroy>>;

// A partition: topic and number.
using Partition = std::pair<std::string, int32_t>;

ListHandle NewList() { return ListHandle(rd_kafka_topic_partition_list_new(1)); }

absl::Status ToStatus(rd_kafka_resp_err_t code, std::string_view doing) {
  const std::string text = fmt::format("Kafka, {}: {}", doing, rd_kafka_err2str(code));
  switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return absl::PermissionDeniedError(text);
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      return absl::NotFoundError(text);
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return absl::FailedPreconditionError(text);
    default:
      return absl::UnavailableError(text);
  }
}

// What librdkafka says by itself while it goes on trying.
bool IsPassing(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
         code == RD_KAFKA_RESP_ERR__RESOLVE || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

// The properties of both sides: the brokers, and whatever the user gave by librdkafka's names.
absl::StatusOr<ConfHandle> MakeConf(Url* url, const std::map<std::string, std::string>& defaults) {
  ConfHandle conf(rd_kafka_conf_new());
  std::map<std::string, std::string> properties = defaults;
  properties["bootstrap.servers"] = url->hosts;
  if (const auto user = url->settings.Take("user")) properties["sasl.username"] = *user;
  if (const auto password = url->settings.Take("password")) properties["sasl.password"] = *password;
  for (auto& [name, value] : url->settings.TakeAll()) properties[name] = value;
  char error[512];
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
      return absl::InvalidArgumentError(fmt::format("Kafka: {}", error));
    }
  }
  return conf;
}

absl::StatusOr<rd_kafka_t*> MakeClient(rd_kafka_type_t type, ConfHandle conf) {
  char error[512];
  rd_kafka_t* const client = rd_kafka_new(type, conf.get(), error, sizeof error);
  if (client == nullptr) return absl::InvalidArgumentError(fmt::format("Kafka: {}", error));
  conf.release();  // the client has it
  return client;
}

class KafkaConsumer : public Consumer {
 public:
  static absl::StatusOr<std::unique_ptr<Consumer>> Open(Url url, const Cursors& cursors) {
    std::unique_ptr<KafkaConsumer> consumer(new KafkaConsumer(cursors));
    consumer->incarnation_ = url.settings.Take("incarnation", "");
    url.settings.Ignore({"create"});
    absl::StatusOr<ConfHandle> conf = MakeConf(&url, {{"group.id", url.settings.Take("group", "semel")},
                                                      {"partition.assignment.strategy", "cooperative-sticky"},
                                                      {"isolation.level", "read_committed"},
                                                      {"auto.offset.reset", "error"},
                                                      {"enable.auto.offset.store", "false"},
                                                      {"enable.partition.eof", "true"}});
    if (!conf.ok()) return conf.status();
    rd_kafka_conf_set_opaque(conf->get(), consumer.get());
    rd_kafka_conf_set_rebalance_cb(conf->get(), OnRebalance);
    absl::StatusOr<rd_kafka_t*> client = MakeClient(RD_KAFKA_CONSUMER, *std::move(conf));
    if (!client.ok()) return client.status();
    consumer->client_ = *client;
    rd_kafka_poll_set_consumer(*client);
    if (const absl::Status begun = consumer->Subscribe(url.path); !begun.ok()) return begun;
    return consumer;
  }

  ~KafkaConsumer() override {
    if (client_ == nullptr) return;
    closing_ = true;
    const bool would_abort = rd_kafka_version() < kDestroysUnassigned && StaysUnassigned();
    rd_kafka_consumer_close(client_);             // leaves the group, commits what was stored
    if (!would_abort) rd_kafka_destroy(client_);  // else what is left of it ends with the process
  }

  absl::StatusOr<std::vector<Message>> Poll(size_t max, std::chrono::milliseconds wait) override {
    std::vector<Message> messages;
    int timeout_ms = static_cast<int>(wait.count());
    while (messages.size() < max) {
      const MessageHandle message(rd_kafka_consumer_poll(client_, timeout_ms));
      if (!fault_.ok()) return std::exchange(fault_, absl::OkStatus());
      for (const std::string& source : std::exchange(just_taken_away_, {})) Forget(source, &messages);
      if (message == nullptr) break;
      if (const absl::Status taken = Take(*message, &messages); !taken.ok()) return taken;
      if (!messages.empty()) timeout_ms = 0;
    }
    return messages;
  }

  absl::Status Settle(const Message& message, Settlement settlement) override {
    const auto at = partitions_.find(partition_of_[message.position->name]);
    if (at == partitions_.end()) return absl::OkStatus();  // taken away in the meantime
    State& state = at->second;
    const int64_t offset = static_cast<int64_t>(message.position->position);
    if (settlement == Settlement::kLater) {
      if (state.rewind_to < 0) state.rewind_to = offset;
    } else if (state.rewind_to < 0) {
      state.stored = offset + 1;
    }
    return absl::OkStatus();
  }

  // Offsets are stored for librdkafka, which commits them now and then, when a partition is taken away, and at the end.
  absl::Status Commit() override {
    const ListHandle stored = NewList();
    const ListHandle rewound = NewList();
    for (auto& [partition, state] : partitions_) {
      if (state.stored >= 0) Add(partition, std::exchange(state.stored, -1), stored.get());
      if (state.rewind_to >= 0) {
        Add(partition, std::exchange(state.rewind_to, -1), rewound.get());
        state.at_end = false;
      }
    }
    if (stored->cnt > 0) rd_kafka_offsets_store(client_, stored.get());  // a hint; an error is none of ours
    if (rewound->cnt == 0) return absl::OkStatus();
    const ErrorHandle error(rd_kafka_seek_partitions(client_, rewound.get(), kRequestMs));
    return error == nullptr ? absl::OkStatus() : ToStatus(rd_kafka_error_code(error.get()), "seeking");
  }

  std::vector<std::string> TakenAway() override { return std::exchange(taken_away_, {}); }

  std::optional<uint64_t> Lag() override {
    uint64_t lag = 0;
    for (const auto& [partition, state] : partitions_) {
      int64_t low = 0;
      int64_t high = 0;
      const rd_kafka_resp_err_t code =
          rd_kafka_get_watermark_offsets(client_, partition.first.c_str(), partition.second, &low, &high);
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR && high > state.next) lag += static_cast<uint64_t>(high - state.next);
    }
    return lag;
  }

  absl::StatusOr<bool> AtEnd() override {
    return assigned_ &&
           std::all_of(partitions_.begin(), partitions_.end(), [](const auto& p) { return p.second.at_end; });
  }

 private:
  // Of an assigned partition.
  struct State {
    int64_t next = 0;        // the offset behind the last that was given
    int64_t stored = -1;     // to be told the broker; -1: nothing new
    int64_t rewind_to = -1;  // of the first early message; -1: none
    bool at_end = false;
  };

  explicit KafkaConsumer(const Cursors& cursors) : cursors_(cursors) {}

  // Whether this joined the group, which has assigned it nothing for a while. Later it will not join any more.
  bool StaysUnassigned() {
    for (int i = 0; i < kAssignmentWaits && !assigned_ && IsCooperative(client_); ++i) {
      const MessageHandle message(rd_kafka_consumer_poll(client_, kAssignmentWaitMs));
    }
    if (assigned_) return false;
    rd_kafka_unsubscribe(client_);  // the answer to a request to join may still come; it is passed by
    return IsCooperative(client_);
  }

  // What was read of a partition before it was taken away, in the same Poll, is another's to consume.
  void Forget(const std::string& source, std::vector<Message>* messages) {
    const auto is_of_it = [&](const Message& message) { return message.position->name == source; };
    messages->erase(std::remove_if(messages->begin(), messages->end(), is_of_it), messages->end());
    taken_away_.push_back(source);
  }

  absl::Status Subscribe(const std::string& topics) {
    const struct rd_kafka_metadata* brokers = nullptr;
    const rd_kafka_resp_err_t reached = rd_kafka_metadata(client_, /*all_topics=*/0, nullptr, &brokers, kRequestMs);
    if (reached != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(reached, "connecting");
    rd_kafka_metadata_destroy(brokers);
    const ListHandle list = NewList();
    for (const std::string& topic : std::vector<std::string>(absl::StrSplit(topics, ','))) {
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    }
    return ToStatus(rd_kafka_subscribe(client_, list.get()), "subscribing");
  }

  // Whether the group that the client joined is a cooperative one; before it joined, no.
  static bool IsCooperative(rd_kafka_t* client) {
    const char* const protocol = rd_kafka_rebalance_protocol(client);
    return protocol != nullptr && std::strcmp(protocol, "COOPERATIVE") == 0;
  }

  static void Add(const Partition& partition, int64_t offset, rd_kafka_topic_partition_list_t* list) {
    rd_kafka_topic_partition_list_add(list, partition.first.c_str(), partition.second)->offset = offset;
  }

  // Called by librdkafka from within Poll, and when the consumer is closed.
  static void OnRebalance(rd_kafka_t* client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list,
                          void* opaque) {
    KafkaConsumer* const self = static_cast<KafkaConsumer*>(opaque);
    const bool cooperative = IsCooperative(client);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
      const absl::Status placed = self->Assigned(list);
      self->fault_.Update(placed);
      if (cooperative) {
        const ErrorHandle error(rd_kafka_incremental_assign(client, list));
      } else {
        rd_kafka_assign(client, list);
      }
      return;
    }
    for (int i = 0; i < list->cnt; ++i) {
      const Partition partition(list->elems[i].topic, list->elems[i].partition);
      self->partitions_.erase(partition);
      self->just_taken_away_.push_back(self->SourceOf(partition).name);
    }
    if (cooperative && code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
      const ErrorHandle error(rd_kafka_incremental_unassign(client, list));
    } else {
      rd_kafka_assign(client, nullptr);
    }
  }

  // Sets the offset of each new partition: behind the ledger's cursor, or at the beginning.
  absl::Status Assigned(rd_kafka_topic_partition_list_t* list) {
    assigned_ = true;
    if (closing_) return absl::OkStatus();
    for (int i = 0; i < list->cnt; ++i) {
      rd_kafka_topic_partition_t& element = list->elems[i];
      const Partition partition(element.topic, element.partition);
      int64_t low = 0;
      int64_t high = 0;
      const rd_kafka_resp_err_t code =
          rd_kafka_query_watermark_offsets(client_, element.topic, element.partition, &low, &high, kRequestMs);
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(code, "asking where a partition begins and ends");
      const SourcePosition source = SourceOf(partition);
      const absl::StatusOr<std::optional<uint64_t>> next =
          NextPosition(cursors_, source, Extent{static_cast<uint64_t>(low), static_cast<uint64_t>(high)});
      if (!next.ok()) return next.status();
      element.offset = next->has_value() ? static_cast<int64_t>(**next) : low;
      partitions_[partition] = State{.next = element.offset};
      partition_of_[source.name] = partition;
    }
    return absl::OkStatus();
  }

  SourcePosition SourceOf(const Partition& partition) const {
    SourcePosition source;
    source.name = fmt::format("kafka:{}/{}", partition.first, partition.second);
    source.incarnation = incarnation_;
    return source;
  }

  absl::Status Take(const rd_kafka_message_t& raw, std::vector<Message>* messages) {
    const auto at =
        raw.rkt == nullptr ? partitions_.end() : partitions_.find({rd_kafka_topic_name(raw.rkt), raw.partition});
    if (raw.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      if (at == partitions_.end()) return absl::OkStatus();
      at->second.next = raw.offset;  // what lies before it are the marks of transactions, or nothing any more
      at->second.at_end = true;
      return absl::OkStatus();
    }
    if (raw.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return IsPassing(raw.err) ? absl::OkStatus() : ToStatus(raw.err, "reading");
    }
    if (at == partitions_.end()) return absl::OkStatus();  // taken away in the meantime
    at->second.next = raw.offset + 1;
    at->second.at_end = false;
    Message& message = messages->emplace_back();
    message.key.assign(static_cast<const char*>(raw.key), raw.key_len);
    message.empty = raw.payload == nullptr;
    if (!message.empty) message.bytes.assign(static_cast<const char*>(raw.payload), raw.len);
    ReadHeaders(raw, &message);
    message.position = SourceOf(at->first);
    message.position->position = static_cast<uint64_t>(raw.offset);
    return absl::OkStatus();
  }

  static void ReadHeaders(const rd_kafka_message_t& raw, Message* message) {
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&raw, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      message->headers.emplace_back(name, std::string(static_cast<const char*>(value), size));
    }
  }

  const Cursors cursors_;
  rd_kafka_t* client_ = nullptr;
  std::string incarnation_;
  std::map<Partition, State> partitions_;          // assigned now
  std::map<std::string, Partition> partition_of_;  // by the name of its source
  std::vector<std::string> just_taken_away_;       // within a call to librdkafka
  std::vector<std::string> taken_away_;            // since TakenAway
  absl::Status fault_;                             // of a rebalance, for the next Poll
  bool assigned_ = false;                          // at least once
  bool closing_ = false;
};

class KafkaProducer : public Producer {
 public:
  static absl::StatusOr<std::unique_ptr<Producer>> Open(Url url) {
    std::unique_ptr<KafkaProducer> producer(new KafkaProducer);
    producer->topic_ = url.path;
    url.settings.Ignore({"group", "incarnation", "create"});
    absl::StatusOr<ConfHandle> conf =
        MakeConf(&url, {{"enable.idempotence", "true"},
                        {"partitioner", "murmur2_random"},
                        {"linger.ms", "5"},
                        {"log_level", "3"}});  // errors: of what it tries again, Send says whether it came to be
    if (!conf.ok()) return conf.status();
    rd_kafka_conf_set_opaque(conf->get(), producer.get());
    rd_kafka_conf_set_dr_msg_cb(conf->get(), OnDelivery);
    absl::StatusOr<rd_kafka_t*> client = MakeClient(RD_KAFKA_PRODUCER, *std::move(conf));
    if (!client.ok()) return client.status();
    producer->client_ = *client;
    return producer;
  }

  ~KafkaProducer() override {
    if (client_ == nullptr) return;
    rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(client_);
  }

  absl::Status Send(const std::vector<Message>& messages) override {
    failed_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (const Message& message : messages) {
      rd_kafka_resp_err_t code = Produce(message);
      while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(client_, kRequestMs / 10);
        code = Produce(message);
      }
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(code, "producing");
    }
    const rd_kafka_resp_err_t flushed = rd_kafka_flush(client_, kFlushMs);
    return ToStatus(failed_ != RD_KAFKA_RESP_ERR_NO_ERROR ? failed_ : flushed, "waiting for confirmations");
  }

 private:
  KafkaProducer() = default;

  // Called by librdkafka from within poll and flush.
  static void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) static_cast<KafkaProducer*>(opaque)->failed_ = message->err;
  }

  rd_kafka_resp_err_t Produce(const Message& message) {
    rd_kafka_headers_t* const headers = rd_kafka_headers_new(message.headers.size());
    for (const auto& [name, value] : message.headers) {
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
    }
    void* const bytes = message.empty ? nullptr : const_cast<char*>(message.bytes.data());
    const void* const key = message.key.empty() ? nullptr : message.key.data();
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u = {.cstr = topic_.c_str()}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u = {.i = RD_KAFKA_MSG_F_COPY}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u = {.mem = {bytes, message.bytes.size()}}},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u = {.mem = {const_cast<void*>(key), message.key.size()}}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u = {.headers = headers}},
    };
    rd_kafka_error_t* const error = rd_kafka_produceva(client_, fields, std::size(fields));
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error);  // of null: none
    rd_kafka_error_destroy(error);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);
    return code;
  }

  rd_kafka_t* client_ = nullptr;
  std::string topic_;
  rd_kafka_resp_err_t failed_ = RD_KAFKA_RESP_ERR_NO_ERROR;
};

using ClientHandle = std::unique_ptr<rd_kafka_t, Destroyer<rd_kafka_t, rd_kafka_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, Destroyer<rd_kafka_topic_t, rd_kafka_topic_destroy>>;

using Partitioner = int32_t (*)(const rd_kafka_topic_t*, const void*, size_t, int32_t, void*, void*);

// Of a key that is not empty; those that are called random choose so for an empty one only.
absl::StatusOr<Partitioner> FindPartitioner(const std::string& name) {
  if (name == "murmur2" || name == "murmur2_random") return rd_kafka_msg_partitioner_murmur2;
  if (name == "consistent" || name == "consistent_random") return rd_kafka_msg_partitioner_consistent;
  if (name == "fnv1a" || name == "fnv1a_random") return rd_kafka_msg_partitioner_fnv1a;
  return absl::InvalidArgumentError(fmt::format("Kafka: partitioner {} chooses by no key", name));
}

absl::StatusOr<int32_t> CountPartitions(rd_kafka_t* client, rd_kafka_topic_t* topic) {
  const struct rd_kafka_metadata* metadata = nullptr;
  const rd_kafka_resp_err_t code = rd_kafka_metadata(client, /*all_topics=*/0, topic, &metadata, kRequestMs);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(code, "connecting");
  const rd_kafka_metadata_topic& found = metadata->topics[0];
  const absl::Status status = ToStatus(found.err, fmt::format("looking for topic {}", found.topic));
  const int32_t count = found.partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  if (!status.ok()) return status;
  return count;
}

}  // namespace

absl::StatusOr<Partitions> AskKafkaPartitions(Url url, std::string_view key) {
  const absl::StatusOr<Partitioner> partitioner = FindPartitioner(url.settings.Take("partitioner", "murmur2"));
  if (!partitioner.ok()) return partitioner.status();
  url.settings.Ignore({"group", "incarnation", "create"});
  absl::StatusOr<ConfHandle> conf = MakeConf(&url, {{"log_level", "3"}});
  if (!conf.ok()) return conf.status();
  absl::StatusOr<rd_kafka_t*> made = MakeClient(RD_KAFKA_CONSUMER, *std::move(conf));
  if (!made.ok()) return made.status();
  const ClientHandle client(*made);
  const TopicHandle topic(rd_kafka_topic_new(client.get(), url.path.c_str(), nullptr));
  const absl::StatusOr<int32_t> count = CountPartitions(client.get(), topic.get());
  if (!count.ok()) return count.status();
  Partitions partitions;
  if (!key.empty()) {
    partitions.of_key = (*partitioner)(topic.get(), key.data(), key.size(), *count, nullptr, nullptr);
  }
  for (int32_t i = 0; i < *count; ++i) {
    int64_t low = 0;
    int64_t high = 0;
    const auto code = rd_kafka_query_watermark_offsets(client.get(), url.path.c_str(), i, &low, &high, kRequestMs);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(code, "asking where a partition begins and ends");
    partitions.extents.push_back({static_cast<uint64_t>(low), static_cast<uint64_t>(high)});
  }
  return partitions;
}

absl::StatusOr<std::unique_ptr<Consumer>> OpenKafkaConsumer(Url url, const Cursors& cursors) {
  return KafkaConsumer::Open(std::move(url), cursors);
}

absl::StatusOr<std::unique_ptr<Producer>> OpenKafkaProducer(Url url) { return KafkaProducer::Open(std::move(url)); }

}  // namespace semel::streams
