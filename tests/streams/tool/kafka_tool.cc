// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What the tests need of a Kafka beside semel's own commands.
//
//   kafka_tool create BROKERS TOPIC PARTITIONS [NAME=VALUE ...]   makes a topic with these settings
//   kafka_tool transact BROKERS TOPIC commit|abort                sends the lines of standard input, KEY TAB VALUE, in
//   one
//                                                                 transaction

#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

namespace {

constexpr int kWaitMs = 30'000;

[[noreturn]] void Fail(const std::string& why) {
  std::cerr << "kafka_tool: " << why << "\n";
  std::exit(1);
}

void Check(rd_kafka_resp_err_t code) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) Fail(rd_kafka_err2str(code));
}

void Check(rd_kafka_error_t* error) {
  if (error != nullptr) Fail(rd_kafka_error_string(error));
}

void Set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  char error[512];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) Fail(error);
}

rd_kafka_t* NewClient(const char* brokers, const char* transaction) {
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  Set(conf, "bootstrap.servers", brokers);
  Set(conf, "log_level", "3");
  Set(conf, "partitioner", "murmur2_random");
  if (transaction != nullptr) Set(conf, "transactional.id", transaction);
  char error[512];
  rd_kafka_t* const client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (client == nullptr) Fail(error);
  return client;
}

void Create(rd_kafka_t* client, const char* topic, int partitions, char** settings, int count) {
  char error[512];
  rd_kafka_NewTopic_t* wanted = rd_kafka_NewTopic_new(topic, partitions, 1, error, sizeof error);
  if (wanted == nullptr) Fail(error);
  for (int i = 0; i < count; ++i) {
    const std::string setting = settings[i];
    const size_t equals = setting.find('=');
    Check(rd_kafka_NewTopic_set_config(wanted, setting.substr(0, equals).c_str(), setting.substr(equals + 1).c_str()));
  }
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(client);
  rd_kafka_CreateTopics(client, &wanted, 1, nullptr, queue);
  rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, kWaitMs);
  if (event == nullptr) Fail("no answer");
  Check(rd_kafka_event_error(event));
  size_t results = 0;
  const rd_kafka_topic_result_t** const topics =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &results);
  for (size_t i = 0; i < results; ++i) Check(rd_kafka_topic_result_error(topics[i]));
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(wanted);
}

void Transact(rd_kafka_t* client, const char* topic, bool commit) {
  Check(rd_kafka_init_transactions(client, kWaitMs));
  Check(rd_kafka_begin_transaction(client));
  rd_kafka_topic_t* const to = rd_kafka_topic_new(client, topic, nullptr);
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    std::string value = line.substr(tab + 1);
    if (rd_kafka_produce(to, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value.data(), value.size(), line.data(), tab,
                         nullptr) != 0) {
      Check(rd_kafka_last_error());
    }
  }
  Check(rd_kafka_flush(client, kWaitMs));  // an aborted transaction has written its messages, too
  Check(commit ? rd_kafka_commit_transaction(client, kWaitMs) : rd_kafka_abort_transaction(client, kWaitMs));
  rd_kafka_topic_destroy(to);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "create" && argc >= 5) {
    rd_kafka_t* const client = NewClient(argv[2], nullptr);
    Create(client, argv[3], std::atoi(argv[4]), argv + 5, argc - 5);
    rd_kafka_destroy(client);
  } else if (command == "transact" && argc == 5) {
    rd_kafka_t* const client = NewClient(argv[2], "semel-tests");
    Transact(client, argv[3], std::strcmp(argv[4], "commit") == 0);
    rd_kafka_destroy(client);
  } else {
    Fail("takes create BROKERS TOPIC PARTITIONS [NAME=VALUE ...] or transact BROKERS TOPIC commit|abort");
  }
  return 0;
}
