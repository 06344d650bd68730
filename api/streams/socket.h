// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A TCP connection to a broker, plain or over TLS.

#ifndef SEMEL_API_STREAMS_SOCKET_H_
#define SEMEL_API_STREAMS_SOCKET_H_

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/streams/url.h"

namespace semel::streams {

// Used by one thread. Whoever writes to a broker that is gone gets a SIGPIPE with TLS: it must be ignored.
class Socket {
 public:
  // Connects to the URL's host. With a setting `ca` (a file of certificates) over TLS: the broker's certificate must be
  // signed by one of them and name the host. `certificate` and `key` are files of what this side shows, if anything.
  // Errors: Unavailable; PermissionDenied (the certificate is not good); InvalidArgument (the files).
  static absl::StatusOr<std::unique_ptr<Socket>> Connect(Url* url, int port, int tls_port);

  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Sends all of it. Errors: Unavailable.
  absl::Status Send(std::string_view bytes);

  // Waits for bytes, and appends what came to `buffer`; false if nothing came in time.
  // Errors: Unavailable, also when the broker has closed the connection.
  absl::StatusOr<bool> Receive(std::chrono::milliseconds wait, std::string* buffer);

 private:
  struct FreeTls {
    void operator()(SSL* tls) const;
  };

  Socket() = default;

  absl::Status Dial(const Url& url, int port);
  absl::Status StartTls(const Url& url, const std::string& ca, const std::optional<std::string>& certificate,
                        const std::string& key);
  absl::Status Handshake(const Url& url);
  absl::StatusOr<size_t> SendSome(std::string_view bytes);
  bool AwaitTls(int result, std::chrono::milliseconds wait);

  int fd_ = -1;
  std::unique_ptr<SSL, FreeTls> tls_;  // null: plain
};

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_SOCKET_H_
