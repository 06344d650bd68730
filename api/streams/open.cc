// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/open.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "api/streams/file.h"
#include "api/streams/mqtt.h"
#ifdef SEMEL_WITH_KAFKA
#include "api/streams/kafka.h"
#endif
#ifdef SEMEL_WITH_NATS
#include "api/streams/nats.h"
#endif
#ifdef SEMEL_WITH_RABBITMQ
#include "api/streams/rabbitmq.h"
#endif
#ifdef SEMEL_WITH_REDIS
#include "api/streams/redis.h"
#endif

namespace semel::streams {
namespace {

struct Adapter {
  const char* scheme;
  const char* package;  // of Debian, without which it is not built
  absl::StatusOr<std::unique_ptr<Consumer>> (*consumer)(Url, const Cursors&);  // null: not built
  absl::StatusOr<std::unique_ptr<Producer>> (*producer)(Url);
};

const Adapter kAdapters[] = {
    {"file", "", OpenFileConsumer, OpenFileProducer},
    {"stdin", "", OpenFileConsumer, OpenFileProducer},
    {"mqtt", "", OpenMqttConsumer, OpenMqttProducer},
#ifdef SEMEL_WITH_KAFKA
    {"kafka", "librdkafka-dev", OpenKafkaConsumer, OpenKafkaProducer},
#else
    {"kafka", "librdkafka-dev", nullptr, nullptr},
#endif
#ifdef SEMEL_WITH_NATS
    {"nats", "libnats-dev", OpenNatsConsumer, OpenNatsProducer},
#else
    {"nats", "libnats-dev", nullptr, nullptr},
#endif
#ifdef SEMEL_WITH_RABBITMQ
    {"amqp", "librabbitmq-dev", OpenRabbitMqConsumer, OpenRabbitMqProducer},
#else
    {"amqp", "librabbitmq-dev", nullptr, nullptr},
#endif
#ifdef SEMEL_WITH_REDIS
    {"redis", "libhiredis-dev", OpenRedisConsumer, OpenRedisProducer},
#else
    {"redis", "libhiredis-dev", nullptr, nullptr},
#endif
};

absl::StatusOr<const Adapter*> FindAdapter(const Url& url) {
  std::string known;
  for (const Adapter& adapter : kAdapters) {
    if (url.scheme != adapter.scheme) {
      known += fmt::format(" {}:", adapter.scheme);
    } else if (adapter.consumer != nullptr) {
      return &adapter;
    } else {
      return absl::UnimplementedError(
          fmt::format("this semel was built without {}; install {} and build it again", url.scheme, adapter.package));
    }
  }
  return absl::InvalidArgumentError(fmt::format("{}: is none of{}", url.scheme, known));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Consumer>> OpenConsumer(const Url& url, const Cursors& cursors) {
  const absl::StatusOr<const Adapter*> adapter = FindAdapter(url);
  if (!adapter.ok()) return adapter.status();
  return (*adapter)->consumer(url, cursors);
}

absl::StatusOr<std::unique_ptr<Producer>> OpenProducer(const Url& url) {
  const absl::StatusOr<const Adapter*> adapter = FindAdapter(url);
  if (!adapter.ok()) return adapter.status();
  return (*adapter)->producer(url);
}

absl::StatusOr<Partitions> AskPartitions(const Url& url, [[maybe_unused]] std::string_view key) {
  if (url.scheme != "kafka") return absl::InvalidArgumentError("partitions are Kafka's: takes a kafka:// URL");
#ifdef SEMEL_WITH_KAFKA
  return AskKafkaPartitions(url, key);
#else
  return FindAdapter(url).status();
#endif
}

std::vector<std::string> BuiltSchemes() {
  std::vector<std::string> schemes;
  for (const Adapter& adapter : kAdapters) {
    if (adapter.consumer != nullptr) schemes.emplace_back(adapter.scheme);
  }
  return schemes;
}

}  // namespace semel::streams
