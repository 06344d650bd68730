// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a record of an export: refused, or a record that both forms hold; a head that the state can keep.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/check.h"
#include "engine/codec/export_record.h"
#include "engine/state/record.h"

namespace {

using semel::ExportFormat;
using semel::internal::DecodeExportRecord;
using semel::internal::EncodeExportRecord;

void CheckHead(const semel::internal::Head& head) {
  std::string bytes;
  semel::internal::EncodeHead(head, &bytes);
  semel::internal::Head again;
  SEMEL_CHECK(semel::internal::DecodeHead(bytes, &again).ok());
}

}  // namespace

// The first byte says which form the others are.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto record = DecodeExportRecord(bytes, data[0] == 'j' ? ExportFormat::kJsonLines : ExportFormat::kProto);
  if (!record.ok()) {
    SEMEL_CHECK(absl::IsInvalidArgument(record.status()));
    return 0;
  }
  if (const auto* head = std::get_if<semel::internal::ExportedHead>(&*record)) CheckHead(head->head);
  const std::string proto = EncodeExportRecord(*record, ExportFormat::kProto);
  const std::string json = EncodeExportRecord(*record, ExportFormat::kJsonLines);
  for (const ExportFormat format : {ExportFormat::kProto, ExportFormat::kJsonLines}) {
    const auto again = DecodeExportRecord(format == ExportFormat::kProto ? proto : json, format);
    SEMEL_CHECK(again.ok());
    SEMEL_CHECK(EncodeExportRecord(*again, ExportFormat::kProto) == proto);
    SEMEL_CHECK(EncodeExportRecord(*again, ExportFormat::kJsonLines) == json);
  }
  return 0;
}
