// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Wire format: fields, each a varint tag = number << 3 | wire type, then
//   0 varint | 1 eight bytes | 2 varint length and so many bytes | 5 four bytes    (3, 4: groups)

#include "engine/codec/wire_scan.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/codec/limits.h"
#include "engine/codec/utf8.h"

namespace semel::internal {
namespace {

enum WireType : uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };
enum class Content : uint8_t { kNumber, kText, kBytes, kMessage };

// What api/proto/semel/v1/change.proto says of one field.
struct Field {
  uint32_t number;
  const char* name;
  Content content;
  absl::Span<const Field> members = {};  // kMessage
  size_t max_count = SIZE_MAX;

  WireType wire_type() const { return content == Content::kNumber ? kVarint : kLength; }
};

constexpr Field kSource[] = {{1, "name", Content::kText},
                             {2, "position", Content::kNumber},
                             {3, "previous", Content::kNumber},
                             {4, "incarnation", Content::kText},
                             {5, "window", Content::kNumber}};

constexpr Field kPolicy[] = {{1, "asset", Content::kText},
                             {2, "min_balance", Content::kText},
                             {3, "max_balance", Content::kText},
                             {4, "closed", Content::kNumber}};

constexpr Field kUpdate[] = {{1, "key", Content::kText},     {2, "expect_version", Content::kNumber},
                             {3, "since", Content::kNumber}, {4, "expect_balance", Content::kText},
                             {5, "newer", Content::kNumber}, {6, "add", Content::kText},
                             {7, "put", Content::kBytes},    {8, "delete", Content::kNumber},
                             {9, "check", Content::kNumber}, {10, "set_policy", Content::kMessage, kPolicy},
                             {11, "asset", Content::kText}};

constexpr Field kMetadataEntry[] = {{1, "key", Content::kText}, {2, "value", Content::kText}};

constexpr Field kChange[] = {{1, "id", Content::kText},
                             {2, "source", Content::kMessage, kSource},
                             {3, "updates", Content::kMessage, kUpdate, kMaxUpdatesPerChange},
                             {4, "balanced", Content::kNumber},
                             {5, "metadata", Content::kMessage, kMetadataEntry},
                             {6, "epoch", Content::kNumber}};

const Field* FindField(absl::Span<const Field> fields, uint64_t number) {
  for (const Field& field : fields) {
    if (field.number == number) return &field;
  }
  return nullptr;
}

absl::Status Fail(std::string_view place, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place.empty() ? "the message" : ToAbsl(place), ": ", ToAbsl(what)));
}

// Unlike Decoder::GetVarint this takes what Protobuf takes: varints that are longer than needed.
bool TakeVarint(std::string_view* bytes, uint64_t* value) {
  *value = 0;
  for (size_t i = 0; i < 10 && i < bytes->size(); ++i) {
    const uint8_t byte = static_cast<uint8_t>((*bytes)[i]);
    *value |= uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte < 0x80) {
      bytes->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool TakeRaw(std::string_view* bytes, uint64_t size, std::string_view* taken) {
  if (size > bytes->size()) return false;
  *taken = bytes->substr(0, size);
  bytes->remove_prefix(size);
  return true;
}

// The payload of one field; `payload` stays empty for a varint. False: the bytes end too soon, or it is a group.
bool TakePayload(std::string_view* bytes, uint64_t wire_type, std::string_view* payload) {
  uint64_t number = 0;
  switch (wire_type) {
    case kVarint:
      return TakeVarint(bytes, &number);
    case kFixed64:
      return TakeRaw(bytes, 8, payload);
    case kLength:
      return TakeVarint(bytes, &number) && TakeRaw(bytes, number, payload);
    case kFixed32:
      return TakeRaw(bytes, 4, payload);
    default:
      return false;
  }
}

class Scanner {
 public:
  // Recursion is as deep as the tables above: three levels.
  absl::Status Scan(std::string_view bytes, absl::Span<const Field> fields, const std::string& place) {
    size_t counts[std::size(kUpdate) + 1] = {};  // by number; kUpdate has the most fields
    while (!bytes.empty()) {
      uint64_t tag = 0;
      std::string_view payload;
      if (++parts_ > kMaxMessageParts) return Fail("", absl::StrCat("more than ", kMaxMessageParts, " fields"));
      if (!TakeVarint(&bytes, &tag) || !TakePayload(&bytes, tag & 7, &payload)) {
        return Fail(place, "not a Protobuf message: a field is cut off or of an unknown kind");
      }
      const Field* const field = FindField(fields, tag >> 3);
      if (field == nullptr) continue;
      SEMEL_RETURN_IF_ERROR(ScanField(*field, tag & 7, payload, counts[field->number]++, place));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ScanField(const Field& field, uint64_t wire_type, std::string_view payload, size_t index,
                         const std::string& parent) {
    if (wire_type == kLength && field.content == Content::kBytes) return absl::OkStatus();
    if (wire_type == kVarint && field.content == Content::kNumber) return absl::OkStatus();
    if (wire_type == kLength && field.content == Content::kText && IsUtf8(payload)) return absl::OkStatus();
    const std::string place = PlaceOf(field, index, parent);
    if (wire_type != field.wire_type()) return Fail(place, "is of another wire type than change.proto says");
    if (field.content == Content::kText) return Fail(place, "is not UTF-8");
    if (index >= field.max_count) {
      return Fail(parent, absl::StrCat("more than ", field.max_count, " ", field.name, " in one change"));
    }
    return Scan(payload, field.members, place);
  }

  static std::string PlaceOf(const Field& field, size_t index, const std::string& parent) {
    std::string place = absl::StrCat(parent, parent.empty() ? "" : ".", field.name);
    if (field.max_count != SIZE_MAX) absl::StrAppend(&place, "[", index, "]");
    return place;
  }

  size_t parts_ = 0;
};

}  // namespace

absl::Status ScanChange(std::string_view bytes) {
  if (bytes.size() > kMaxMessageBytes) {
    return Fail("", absl::StrCat(bytes.size(), " bytes; at most ", kMaxMessageBytes, " are read"));
  }
  return Scanner().Scan(bytes, kChange, "");
}

}  // namespace semel::internal
