// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/codec/json_writer.h"

#include <charconv>

#include "absl/strings/escaping.h"
#include "engine/base/strings.h"
#include "engine/codec/utf8.h"

namespace semel::internal {
namespace {

bool NeedsEscape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == '\x7F'; }

void AppendEscaped(char c, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    *out += {'\\', c};
  } else if (c == '\n') {
    *out += "\\n";
  } else {
    *out += {'\\', 'u', '0', '0', kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 15]};
  }
}

template <typename T>
std::string_view Decimal(T number, char (&buffer)[24]) {
  return std::string_view(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr - buffer);
}

}  // namespace

void JsonWriter::Separate() {
  if (out_.empty()) return;
  const char last = out_.back();
  if (last != '{' && last != '[' && last != ':') out_ += ',';
}

JsonWriter& JsonWriter::Begin(char bracket) {
  Separate();
  out_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::End(char bracket) {
  out_ += bracket;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Quoted(name);
  out_ += ':';
  return *this;
}

JsonWriter& JsonWriter::Quoted(std::string_view plain) {
  Separate();
  out_ += '"';
  out_ += plain;
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  if (!IsUtf8(text)) return String(ReplaceBadUtf8(text));
  Separate();
  out_ += '"';
  for (const char c : text) {
    if (NeedsEscape(c)) {
      AppendEscaped(c, &out_);
    } else {
      out_ += c;
    }
  }
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::Base64(std::string_view bytes) { return Quoted(absl::Base64Escape(ToAbsl(bytes))); }

JsonWriter& JsonWriter::Number(uint64_t number) {
  char buffer[24];
  return Quoted(Decimal(number, buffer));
}

JsonWriter& JsonWriter::Number(int64_t number) {
  char buffer[24];
  return Quoted(Decimal(number, buffer));
}

JsonWriter& JsonWriter::Number(Amount amount) { return Quoted(AmountToString(amount)); }

JsonWriter& JsonWriter::Bool(bool value) {
  Separate();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::Null() {
  Separate();
  out_ += "null";
  return *this;
}

}  // namespace semel::internal
