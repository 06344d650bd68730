// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/streams/url.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace semel::streams {
namespace {

bool IsSecret(const std::string& name) {
  for (const char* word : {"password", "token", "secret", "passphrase"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

absl::Status SecretInUrl(std::string_view what) {
  return absl::InvalidArgumentError(
      fmt::format("{} in a URL can be read by every user of this machine; put it into a file of yours alone, and give "
                  "that with --broker-config",
                  what));
}

std::string Decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    uint32_t byte = 0;
    const std::string digits(text.substr(i + 1 < text.size() ? i + 1 : text.size(), 2));
    if (text[i] == '%' && digits.size() == 2 && absl::SimpleHexAtoi(digits, &byte)) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Cuts `rest` at the first `mark`; what is behind it is returned, "" if there is none.
std::string_view CutAt(char mark, std::string_view* rest) {
  const size_t at = rest->find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view behind = rest->substr(at + 1);
  *rest = rest->substr(0, at);
  return behind;
}

std::string Trimmed(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

absl::Status ReadQuery(std::string_view query, Settings* settings) {
  while (!query.empty()) {
    std::string_view name = query;
    query = CutAt('&', &name);
    const std::string value = Decoded(CutAt('=', &name));
    if (IsSecret(std::string(name))) return SecretInUrl(name);
    settings->Set(Decoded(name), value);
  }
  return absl::OkStatus();
}

absl::Status ReadUser(std::string_view* hosts, Settings* settings) {
  const size_t at = hosts->rfind('@');
  if (at == std::string_view::npos) return absl::OkStatus();
  const std::string_view user = hosts->substr(0, at);
  if (user.find(':') != std::string_view::npos) return SecretInUrl("a password");
  settings->Set("user", Decoded(user));
  *hosts = hosts->substr(at + 1);
  return absl::OkStatus();
}

}  // namespace

std::optional<std::string> Settings::Take(const std::string& name) {
  const auto at = values_.find(name);
  if (at == values_.end()) return std::nullopt;
  std::string value = std::move(at->second);
  values_.erase(at);
  return value;
}

std::string Settings::Take(const std::string& name, std::string_view otherwise) {
  return Take(name).value_or(std::string(otherwise));
}

void Settings::Ignore(const std::vector<std::string>& names) {
  for (const std::string& name : names) values_.erase(name);
}

absl::Status Settings::CheckNoneLeft(std::string_view scheme) const {
  if (values_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} takes no setting {}", scheme, values_.begin()->first));
}

std::string Url::Host() const { return hosts.substr(0, hosts.find(':')); }

int Url::Port(int otherwise) const {
  const size_t at = hosts.find(':');
  return at == std::string::npos ? otherwise : std::atoi(hosts.c_str() + at + 1);
}

absl::StatusOr<Url> ParseUrl(std::string_view text) {
  Url url;
  if (text == "-") {
    url.scheme = "stdin";
    return url;
  }
  std::string_view rest = text;
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format(
        "{} is no URL; a file is file:{}, a broker kafka://, nats://, redis://, amqp:// or mqtt://", text, text));
  }
  url.scheme = rest.substr(0, colon);
  rest.remove_prefix(colon + 1);
  const absl::Status query = ReadQuery(CutAt('?', &rest), &url.settings);
  if (!query.ok()) return query;
  if (url.scheme == "file") {
    url.path = Decoded(rest);
    return url;
  }
  if (rest.substr(0, 2) != "//") return absl::InvalidArgumentError(fmt::format("{}: // must follow the colon", text));
  rest.remove_prefix(2);
  url.path = Decoded(CutAt('/', &rest));
  const absl::Status user = ReadUser(&rest, &url.settings);
  if (!user.ok()) return user;
  url.hosts = rest;
  if (url.hosts.empty() || url.path.empty()) {
    return absl::InvalidArgumentError(fmt::format("{}: takes a host and a name: {}://HOST/NAME", text, url.scheme));
  }
  return url;
}

absl::Status AddSettings(const std::string& file, Settings* settings) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, file);
  if ((info.st_mode & (S_IRGRP | S_IROTH)) != 0) {
    return absl::PermissionDeniedError(fmt::format("{} can be read by others; chmod 600 {}", file, file));
  }
  std::ifstream in(file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    std::string_view name = line;
    const bool assigns = line.find('=') != std::string::npos;
    const std::string value = Trimmed(CutAt('=', &name));
    const std::string trimmed = Trimmed(name);
    if (trimmed.empty() || trimmed[0] == '#') continue;
    if (!assigns) return absl::InvalidArgumentError(fmt::format("{}:{}: takes name = value", file, number));
    settings->Set(trimmed, value);
  }
  return in.bad() ? absl::UnknownError(fmt::format("{}: cannot read", file)) : absl::OkStatus();
}

}  // namespace semel::streams
