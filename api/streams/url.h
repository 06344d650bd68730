// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Where a stream is, and with which settings: kafka://host:9092/topic?group=semel.

#ifndef SEMEL_API_STREAMS_URL_H_
#define SEMEL_API_STREAMS_URL_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace semel::streams {

// Named settings: those of a URL, and those of a file beside it, which win. An adapter takes what it knows; what is
// left at the end was misspelt.
class Settings {
 public:
  void Set(const std::string& name, std::string value) { values_[name] = std::move(value); }

  // Removes it from what is left.
  std::optional<std::string> Take(const std::string& name);
  std::string Take(const std::string& name, std::string_view otherwise);

  // Removes what only the other side of a stream needs, so that consumer and producer can have one URL.
  void Ignore(const std::vector<std::string>& names);

  // Removes everything that is left.
  std::map<std::string, std::string> TakeAll() { return std::move(values_); }

  // InvalidArgument if a setting is left, with its name.
  absl::Status CheckNoneLeft(std::string_view scheme) const;

 private:
  std::map<std::string, std::string> values_;
};

struct Url {
  std::string scheme;
  std::string hosts;  // "host:port", for Kafka several with commas
  std::string path;   // behind the first slash, without it
  Settings settings;

  // Host and port of the first host.
  std::string Host() const;
  int Port(int otherwise) const;

  // As one word that names the stream and holds no secret: "nats:PAYMENTS".
  std::string Name() const { return scheme + ":" + path; }
};

// Reads scheme://[user@]hosts/path?name=value&..., file:PATH, and "-". Percent-encoded bytes are decoded.
// Errors: InvalidArgument; also for a secret in the URL, which every user of the machine could read.
absl::StatusOr<Url> ParseUrl(std::string_view text);

// Adds the settings of a file: lines of name = value; blank lines and those that begin with # are passed over.
// Errors: NotFound, PermissionDenied (others than the user may read the file), InvalidArgument.
absl::Status AddSettings(const std::string& file, Settings* settings);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_URL_H_
