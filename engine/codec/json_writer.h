// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Writes one JSON text without blanks, member by member, in the order of the calls. The caller closes what it opens.
// Numbers of 64 bits and more are strings, so that readers which know only doubles do not round them.

#ifndef SEMEL_ENGINE_CODEC_JSON_WRITER_H_
#define SEMEL_ENGINE_CODEC_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "semel/change.h"

namespace semel::internal {

class JsonWriter {
 public:
  JsonWriter& Begin(char bracket);         // '{' or '['
  JsonWriter& End(char bracket);           // '}' or ']'
  JsonWriter& Key(std::string_view name);  // a plain name: nothing in it is escaped

  JsonWriter& String(std::string_view text);  // bytes that are not UTF-8 become U+FFFD
  JsonWriter& Base64(std::string_view bytes);
  JsonWriter& Number(uint64_t number);
  JsonWriter& Number(int64_t number);
  JsonWriter& Number(Amount amount);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();

  std::string Take() { return std::move(out_); }

 private:
  void Separate();  // writes the comma before the next member or element where one is due
  JsonWriter& Quoted(std::string_view plain);

  std::string out_;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_CODEC_JSON_WRITER_H_
