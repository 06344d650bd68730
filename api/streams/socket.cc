// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace semel::streams {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAnswerWait{10'000};
constexpr size_t kReadBytes = size_t{64} << 10;

absl::Status Lost(std::string_view doing, int error) {
  return absl::UnavailableError(fmt::format("{}: {}", doing, error == 0 ? "closed by the broker" : strerror(error)));
}

std::string TlsError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason == nullptr ? "the connection ended" : reason;
}

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

absl::StatusOr<Context> MakeContext(const std::string& ca, const std::optional<std::string>& certificate,
                                    const std::string& key) {
  Context context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_load_verify_file(context.get(), ca.c_str()) != 1) {
    return absl::InvalidArgumentError(fmt::format("ca, {}: {}", ca, TlsError()));
  }
  if (!certificate.has_value()) return context;
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate->c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return absl::InvalidArgumentError(fmt::format("certificate {} and key {}: {}", *certificate, key, TlsError()));
  }
  return context;
}

// Whether something can be read, or written, in time.
bool Await(int fd, short events, milliseconds wait) {
  pollfd waiting{fd, events, 0};
  return poll(&waiting, 1, static_cast<int>(wait.count())) > 0;
}

}  // namespace

void Socket::FreeTls::operator()(SSL* tls) const { SSL_free(tls); }

absl::StatusOr<std::unique_ptr<Socket>> Socket::Connect(Url* url, int port, int tls_port) {
  const std::optional<std::string> ca = url->settings.Take("ca");
  const std::optional<std::string> certificate = url->settings.Take("certificate");
  const std::string key = url->settings.Take("key", "");
  std::unique_ptr<Socket> socket(new Socket);
  if (const absl::Status dialled = socket->Dial(*url, ca.has_value() ? tls_port : port); !dialled.ok()) return dialled;
  if (!ca.has_value()) return socket;
  if (const absl::Status safe = socket->StartTls(*url, *ca, certificate, key); !safe.ok()) return safe;
  return socket;
}

Socket::~Socket() {
  if (tls_ != nullptr) (void)SSL_shutdown(tls_.get());
  if (fd_ >= 0) close(fd_);
}

absl::Status Socket::Dial(const Url& url, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* addresses = nullptr;
  const int found = getaddrinfo(url.Host().c_str(), std::to_string(url.Port(port)).c_str(), &hints, &addresses);
  if (found != 0) return absl::UnavailableError(fmt::format("{}: {}", url.hosts, gai_strerror(found)));
  int error = 0;
  for (const addrinfo* address = addresses; address != nullptr && fd_ < 0; address = address->ai_next) {
    fd_ = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
    if (fd_ >= 0 && connect(fd_, address->ai_addr, address->ai_addrlen) != 0) {
      error = errno;
      close(std::exchange(fd_, -1));
    }
  }
  freeaddrinfo(addresses);
  return fd_ >= 0 ? absl::OkStatus() : Lost("connecting to " + url.hosts, error);
}

absl::Status Socket::StartTls(const Url& url, const std::string& ca, const std::optional<std::string>& certificate,
                              const std::string& key) {
  const absl::StatusOr<Context> context = MakeContext(ca, certificate, key);
  if (!context.ok()) return context.status();
  tls_.reset(SSL_new(context->get()));
  const std::string host = url.Host();
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(tls_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1) {  // it is none: a name
    X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
    SSL_set_tlsext_host_name(tls_.get(), host.c_str());
  }
  ERR_clear_error();
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  SSL_set_fd(tls_.get(), fd_);
  return Handshake(url);
}

absl::Status Socket::Handshake(const Url& url) {
  int result = SSL_connect(tls_.get());
  while (result != 1 && AwaitTls(result, kAnswerWait)) result = SSL_connect(tls_.get());
  if (result == 1) return absl::OkStatus();
  const long verified = SSL_get_verify_result(tls_.get());
  if (verified != X509_V_OK) {
    return absl::PermissionDeniedError(
        fmt::format("the certificate of {}: {}", url.hosts, X509_verify_cert_error_string(verified)));
  }
  return absl::UnavailableError(fmt::format("TLS with {}: {}", url.hosts, TlsError()));
}

// Waits for what TLS waits for; false if it waits for nothing, or in vain.
bool Socket::AwaitTls(int result, milliseconds wait) {
  const int wanted = SSL_get_error(tls_.get(), result);
  if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) return false;
  return Await(fd_, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, wait);
}

absl::Status Socket::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const absl::StatusOr<size_t> count = SendSome(bytes);
    if (!count.ok()) return count.status();
    bytes.remove_prefix(*count);
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> Socket::SendSome(std::string_view bytes) {
  if (tls_ == nullptr) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) return static_cast<size_t>(count);
    return errno == EINTR ? absl::StatusOr<size_t>(0) : Lost("sending", errno);
  }
  size_t count = 0;
  const int result = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &count);
  if (result == 1 || AwaitTls(result, kAnswerWait)) return count;
  return absl::UnavailableError("sending: " + TlsError());
}

absl::StatusOr<bool> Socket::Receive(milliseconds wait, std::string* buffer) {
  const bool waits = tls_ == nullptr || SSL_pending(tls_.get()) == 0;
  if (waits && !Await(fd_, POLLIN, wait)) return false;
  const size_t before = buffer->size();
  buffer->resize(before + kReadBytes);
  size_t count = 0;
  absl::Status failed;
  if (tls_ == nullptr) {
    const ssize_t received = recv(fd_, buffer->data() + before, kReadBytes, 0);
    count = static_cast<size_t>(std::max<ssize_t>(received, 0));
    if (received <= 0) failed = Lost("reading", received == 0 ? 0 : errno);
  } else if (const int result = SSL_read_ex(tls_.get(), buffer->data() + before, kReadBytes, &count); result != 1) {
    // A part of a record, or one that is TLS's own.
    const int wanted = SSL_get_error(tls_.get(), result);
    const bool goes_on = wanted == SSL_ERROR_WANT_READ || wanted == SSL_ERROR_WANT_WRITE;
    if (!goes_on) failed = absl::UnavailableError("reading: " + TlsError());
  }
  buffer->resize(before + count);
  if (!failed.ok()) return failed;
  return count > 0;
}

}  // namespace semel::streams
