// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Kafka as far as librdkafka's mock cluster is one: three brokers in this process, topics in memory. Prints where they
// are, and serves until its standard input ends. A topic comes into being when it is named, with four partitions.

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdio>

int main() {
  char error[512];
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "log_level", "3", error, sizeof error);
  rd_kafka_t* const client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (client == nullptr) return 1;
  rd_kafka_mock_cluster_t* const cluster = rd_kafka_mock_cluster_new(client, 3);
  std::printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(client);
  return 0;
}
