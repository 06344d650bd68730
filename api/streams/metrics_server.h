// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Shows a text at http://127.0.0.1:PORT/metrics, and nothing else. On the loopback only: whoever can reach it may read
// it.

#ifndef SEMEL_API_STREAMS_METRICS_SERVER_H_
#define SEMEL_API_STREAMS_METRICS_SERVER_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"

namespace semel::streams {

class MetricsServer {
 public:
  // Port 0: any that is free. Errors: Unavailable (the port is taken), ...
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(uint16_t port);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  uint16_t port() const { return port_; }

  // What is shown from now on. Any thread.
  void Show(std::string text);

 private:
  MetricsServer(int listener, int stop, uint16_t port);

  void Serve();
  void Answer(int connection);

  const int listener_;
  const int stop_;  // an eventfd
  const uint16_t port_;
  std::mutex mutex_;
  std::string text_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_METRICS_SERVER_H_
