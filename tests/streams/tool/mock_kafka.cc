// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Kafka as far as librdkafka's mock cluster is one: three brokers in this process, topics in memory. Prints where they
// are, and serves until its standard input ends. A topic comes into being when it is named, with four partitions.
//
//   mock_kafka [MILLISECONDS]    how long a group's first member waits for its assignment, once it has joined

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdio>
#include <cstdlib>

constexpr int kBrokers = 3;
constexpr int16_t kSyncGroup = 14;  // the Kafka protocol's number of this request

int main(int argc, char** argv) {
  char error[512];
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "log_level", "3", error, sizeof error);
  rd_kafka_t* const client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (client == nullptr) return 1;
  rd_kafka_mock_cluster_t* const cluster = rd_kafka_mock_cluster_new(client, kBrokers);
  if (argc > 1) {
    for (int broker = 1; broker <= kBrokers; ++broker) {
      rd_kafka_mock_broker_push_request_error_rtts(cluster, broker, kSyncGroup, 1, RD_KAFKA_RESP_ERR_NO_ERROR,
                                                   std::atoi(argv[1]));
    }
  }
  std::printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(client);
  return 0;
}
