// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/metrics_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace semel::streams {
namespace {

constexpr int kBacklog = 8;
constexpr timeval kPatience{1, 0};  // with one that asks

absl::StatusOr<std::pair<int, uint16_t>> Listen(uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return absl::ErrnoToStatus(errno, "metrics");
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, generic, size) != 0 || listen(listener, kBacklog) != 0 ||
      getsockname(listener, generic, &size) != 0) {
    const int error = errno;
    close(listener);
    return absl::ErrnoToStatus(error, fmt::format("metrics at 127.0.0.1:{}", port));
  }
  return std::pair(listener, ntohs(address.sin_port));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(uint16_t port) {
  const absl::StatusOr<std::pair<int, uint16_t>> listener = Listen(port);
  if (!listener.ok()) return listener.status();
  return std::unique_ptr<MetricsServer>(new MetricsServer(listener->first, eventfd(0, EFD_CLOEXEC), listener->second));
}

MetricsServer::MetricsServer(int listener, int stop, uint16_t port)
    : listener_(listener), stop_(stop), port_(port), thread_([this] { Serve(); }) {}

MetricsServer::~MetricsServer() {
  eventfd_write(stop_, 1);
  thread_.join();
  close(listener_);
  close(stop_);
}

void MetricsServer::Show(std::string text) {
  const std::lock_guard lock(mutex_);
  text_ = std::move(text);
}

void MetricsServer::Serve() {
  pollfd waiting[] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
  while (poll(waiting, 2, -1) >= 0 || errno == EINTR) {
    if (waiting[1].revents != 0) return;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    Answer(connection);
    close(connection);
  }
}

void MetricsServer::Answer(int connection) {
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  char request[4096];
  const ssize_t count = recv(connection, request, sizeof request, 0);
  if (count <= 0) return;
  const std::string_view line(request, static_cast<size_t>(count));
  const bool known = line.substr(0, 13) == "GET /metrics " || line.substr(0, 6) == "GET / ";
  std::string body = "see /metrics\n";
  if (known) {
    const std::lock_guard lock(mutex_);
    body = text_;
  }
  const std::string answer = fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      known ? "200 OK" : "404 Not Found", body.size(), body);
  for (std::string_view rest = answer; !rest.empty();) {
    const ssize_t sent = send(connection, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    rest.remove_prefix(static_cast<size_t>(sent));
  }
}

}  // namespace semel::streams
