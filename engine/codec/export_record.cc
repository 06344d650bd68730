// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// semel.v1.ExportRecord (api/proto/semel/v1/export.proto) <-> ExportRecord.

#include "engine/codec/export_record.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>

#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"
#include "engine/base/strings.h"
#include "engine/codec/base64.h"
#include "engine/codec/utf8.h"
#include "semel/v1/export.pb.h"

namespace semel::internal {
namespace {

using Wire = v1::ExportRecord;

constexpr uint32_t kFormat = 1;
constexpr size_t kUuidBytes = 16;
constexpr size_t kFingerprintBytes = 16;
constexpr absl::string_view kBase64Mark = "base64:";

// ---- Writing

std::string ToText(const std::string& bytes) {
  if (IsUtf8(bytes) && !absl::StartsWith(bytes, kBase64Mark)) return bytes;
  return absl::StrCat(kBase64Mark, absl::Base64Escape(bytes));
}

void Write(const EntryRef& entry, Wire::Entry* to) {
  const bool verbatim = entry.id.kind <= sizeof entry.id.bytes;
  to->set_id_kind(entry.id.kind);
  to->set_id(std::string(entry.id.bytes, verbatim ? entry.id.kind : sizeof entry.id.bytes));
  std::string fingerprint;
  PutFixed64(&fingerprint, entry.fingerprint.high);
  PutFixed64(&fingerprint, entry.fingerprint.low);
  to->set_fingerprint(fingerprint);
  to->set_lsn(entry.lsn);
  to->set_sequence(entry.sequence);
}

void Write(const Policy& policy, v1::Policy* to) {
  if (policy.asset) to->set_asset(ToText(*policy.asset));
  if (policy.min_balance) to->set_min_balance(AmountToString(*policy.min_balance));
  if (policy.max_balance) to->set_max_balance(AmountToString(*policy.max_balance));
  if (policy.closed) to->set_closed(*policy.closed);
}

void Write(const Stamp& stamp, Wire::Stamp* to) {
  to->set_value(stamp.value);
  Write(stamp.setter, to->mutable_setter());
  to->set_version(stamp.result.version);
  to->set_balance(AmountToString(stamp.result.balance));
}

void WriteEntity(const ExportedHead& entity, Wire::Entity* to) {
  const Head& head = entity.head;
  const HeadExtras& extras = head.Extras();
  to->set_key(ToText(entity.key));
  to->set_version(head.version);
  to->set_balance(AmountToString(head.balance));
  to->set_deleted(head.deleted);
  Write(head.last, to->mutable_last());
  for (const Lsn lsn : head.chain.levels()) to->add_levels(lsn);
  if (extras.value) {
    to->set_value(*extras.value);
    to->set_value_lsn(extras.value_lsn);
  }
  if (extras.policy) {
    Write(*extras.policy, to->mutable_policy());
    to->set_policy_lsn(extras.policy_lsn);
  }
  if (extras.stamp) Write(*extras.stamp, to->mutable_stamp());
}

void WriteSource(const ExportedHead& source, Wire::SourceState* to) {
  const SourceState& state = *source.head.Extras().source;
  to->set_name(ToText(source.key));
  to->set_version(source.head.version);
  Write(source.head.last, to->mutable_last());
  for (const Lsn lsn : source.head.chain.levels()) to->add_levels(lsn);
  to->set_cursor(state.cursor);
  to->set_incarnation(ToText(state.incarnation));
  to->set_chained(state.chained);
  to->set_window(state.window);
  to->set_ahead(state.ahead);
  to->set_first_version(state.first_version);
  if (state.settled) to->set_settled(*state.settled);
}

void Write(const Outcome& outcome, Wire::Answer* to) {
  to->set_code(static_cast<uint32_t>(outcome.code));
  to->set_rule(static_cast<uint32_t>(outcome.rule));
  to->set_conflict(static_cast<uint32_t>(outcome.conflict));
  to->set_lsn(outcome.lsn);
  to->set_sequence(outcome.sequence);
  to->set_reason(ToText(outcome.reason));
  for (const UpdateResult& result : outcome.updates) {
    Wire::Result* const added = to->add_results();
    added->set_version(result.version);
    added->set_balance(AmountToString(result.balance));
  }
}

void Write(const ExportedMessage& message, Wire::Message* to) {
  if (!message.change.empty()) {
    const bool parsed = to->mutable_change()->ParseFromString(message.change);
    SEMEL_CHECK(parsed);
  } else if (!message.encoded_change.empty()) {
    to->set_encoded_change(message.encoded_change);
  }
  to->set_original(message.original);
  to->set_original_bytes(message.original_bytes);
}

void Write(const DecidingOptions& options, Wire::Options* to) {
  to->set_balance_lookback(options.balance_lookback);
  to->set_explicit_entities(options.explicit_entities);
  to->set_parking(options.parking);
  to->set_parking_changes(options.parking_changes);
  to->set_parking_bytes(options.parking_bytes);
  to->set_parking_changes_per_entity(options.parking_changes_per_entity);
  to->set_parking_bytes_per_entity(options.parking_bytes_per_entity);
}

// Fills the message with one kind of record.
struct RecordWriter {
  Wire* to;

  void operator()(const ExportHeader& header) const {
    Wire::Header* const out = to->mutable_header();
    out->set_format(kFormat);
    out->set_uuid(absl::BytesToHexString(header.uuid));
    out->set_epoch(header.epoch);
    out->set_created_us(header.created_us);
    out->set_lsn(header.lsn);
    out->set_next_sequence(header.next_sequence);
    out->set_commit_time_us(header.commit_time_us);
    Write(header.options, out->mutable_options());
  }
  void operator()(const ExportedHead& head) const {
    if (head.table == Table::kEntities) {
      WriteEntity(head, to->mutable_entity());
    } else {
      WriteSource(head, to->mutable_source());
    }
  }
  void operator()(const ExportedPosition& position) const {
    Wire::Position* const out = to->mutable_position();
    out->set_source(ToText(position.source));
    out->set_incarnation(ToText(position.incarnation));
    out->set_position(position.position);
    Write(position.outcome, out->mutable_answer());
    Write(position.entry, out->mutable_entry());
  }
  void operator()(const ExportedParked& parked) const {
    Wire::Parked* const out = to->mutable_parked();
    out->set_parked_us(parked.parked_us);
    Write(parked.entry, out->mutable_entry());
    Write(parked.message, out->mutable_message());
  }
  void operator()(const ExportedLetter& letter) const {
    Wire::Letter* const out = to->mutable_letter();
    out->set_refused_us(letter.refused_us);
    Write(letter.outcome, out->mutable_answer());
    out->set_id(ToText(letter.id));
    if (letter.source) out->set_source(ToText(*letter.source));
    out->set_incarnation(ToText(letter.incarnation));
    out->set_position(letter.position);
    Write(letter.message, out->mutable_message());
  }
  void operator()(const ExportedPrefix& retired) const {
    to->mutable_retired()->set_prefix(ToText(retired.prefix));
    to->mutable_retired()->set_sequence(retired.sequence);
  }
  void operator()(const ExportTrailer& trailer) const {
    to->mutable_trailer()->set_records(trailer.records);
    to->mutable_trailer()->set_checksum(trailer.checksum);
  }
};

// ---- Reading. Each function names the field that it refuses.

absl::Status Refuse(absl::string_view field) {
  return absl::InvalidArgumentError(absl::StrCat(field, " is not as an export has it"));
}

absl::Status ReadText(absl::string_view field, const std::string& text, size_t least, size_t most, std::string* bytes) {
  *bytes = text;
  if (absl::StartsWith(text, kBase64Mark) && !DecodeBase64(std::string_view(text).substr(kBase64Mark.size()), bytes)) {
    return Refuse(field);
  }
  return bytes->size() >= least && bytes->size() <= most ? absl::OkStatus() : Refuse(field);
}

absl::Status ReadAmount(absl::string_view field, const std::string& text, Amount* amount) {
  const absl::StatusOr<Amount> parsed = ParseAmount(text);
  if (!parsed.ok()) return Refuse(field);
  *amount = *parsed;
  return absl::OkStatus();
}

absl::Status Read(const Wire::Entry& from, EntryRef* entry) {
  const uint32_t kind = from.id_kind();
  const bool verbatim = kind <= sizeof entry->id.bytes;
  const size_t bytes = verbatim ? kind : sizeof entry->id.bytes;
  if (!verbatim && kind != IdTag::kLong && kind != IdTag::kPosition) return Refuse("id_kind");
  if (from.id().size() != bytes) return Refuse("id");
  if (from.fingerprint().size() != kFingerprintBytes) return Refuse("fingerprint");
  entry->id.kind = static_cast<uint8_t>(kind);
  std::memcpy(entry->id.bytes, from.id().data(), bytes);
  entry->fingerprint = {GetFixed64(from.fingerprint().data()), GetFixed64(from.fingerprint().data() + 8)};
  entry->lsn = from.lsn();
  entry->sequence = from.sequence();
  return absl::OkStatus();
}

// What leads from a head to its entries.
template <typename Levels>
absl::Status ReadChain(uint64_t version, const Wire::Entry& last, const Levels& levels, Head* head) {
  SEMEL_RETURN_IF_ERROR(Read(last, &head->last));
  // Each entry makes one version at most.
  if (version == 0 || version > head->last.sequence) return Refuse("version");
  head->version = version;
  const int count = ChainTop::LevelCount(version);
  if (levels.size() != count || levels[0] != head->last.lsn) return Refuse("levels");
  for (int level = 0; level < count; ++level) {
    head->chain.mutable_levels().push_back(levels[level]);
    if (level == 0) continue;
    const bool same_version = ChainTop::VersionAtLevel(version, level) == ChainTop::VersionAtLevel(version, level - 1);
    const bool fits = same_version ? levels[level] == levels[level - 1] : levels[level] < levels[level - 1];
    if (!fits) return Refuse("levels");
  }
  return absl::OkStatus();
}

absl::Status Read(const v1::Policy& from, Policy* policy) {
  if (from.has_asset()) {
    SEMEL_RETURN_IF_ERROR(ReadText("policy.asset", from.asset(), 1, kMaxAssetBytes, &policy->asset.emplace()));
  }
  if (from.has_min_balance()) {
    SEMEL_RETURN_IF_ERROR(ReadAmount("policy.min_balance", from.min_balance(), &policy->min_balance.emplace()));
  }
  if (from.has_max_balance()) {
    SEMEL_RETURN_IF_ERROR(ReadAmount("policy.max_balance", from.max_balance(), &policy->max_balance.emplace()));
  }
  if (from.has_closed()) policy->closed = from.closed();
  return absl::OkStatus();
}

absl::Status Read(const Wire::Stamp& from, const Head& head, Stamp* stamp) {
  stamp->value = from.value();
  SEMEL_RETURN_IF_ERROR(Read(from.setter(), &stamp->setter));
  stamp->result.version = from.version();
  const bool earlier = stamp->setter.lsn <= head.last.lsn && stamp->setter.sequence <= head.last.sequence &&
                       stamp->result.version <= head.version;
  if (!earlier) return Refuse("stamp");
  return ReadAmount("stamp.balance", from.balance(), &stamp->result.balance);
}

absl::StatusOr<ExportRecord> Read(const Wire::Entity& from) {
  ExportedHead entity;
  entity.table = Table::kEntities;
  SEMEL_RETURN_IF_ERROR(ReadText("key", from.key(), 1, kMaxKeyBytes, &entity.key));
  Head& head = entity.head;
  SEMEL_RETURN_IF_ERROR(ReadChain(from.version(), from.last(), from.levels(), &head));
  SEMEL_RETURN_IF_ERROR(ReadAmount("balance", from.balance(), &head.balance));
  head.deleted = from.deleted();
  if (!from.has_value() && !from.has_policy() && !from.has_stamp()) return entity;
  auto extras = std::make_shared<HeadExtras>();
  if (from.has_value()) {
    if (from.value().size() > kMaxValueBytes) return Refuse("value");
    if (from.value_lsn() > head.last.lsn) return Refuse("value_lsn");
    extras->value = from.value();
    extras->value_lsn = from.value_lsn();
  }
  if (from.has_policy()) {
    if (from.policy_lsn() > head.last.lsn) return Refuse("policy_lsn");
    SEMEL_RETURN_IF_ERROR(Read(from.policy(), &extras->policy.emplace()));
    extras->policy_lsn = from.policy_lsn();
  }
  if (from.has_stamp()) SEMEL_RETURN_IF_ERROR(Read(from.stamp(), head, &extras->stamp.emplace()));
  head.extras = std::move(extras);
  return entity;
}

absl::StatusOr<ExportRecord> Read(const Wire::SourceState& from) {
  ExportedHead source;
  source.table = Table::kSources;
  SEMEL_RETURN_IF_ERROR(ReadText("name", from.name(), 1, kMaxSourceNameBytes, &source.key));
  SEMEL_RETURN_IF_ERROR(ReadChain(from.version(), from.last(), from.levels(), &source.head));
  auto extras = std::make_shared<HeadExtras>();
  SourceState& state = extras->source.emplace();
  state.cursor = from.cursor();
  SEMEL_RETURN_IF_ERROR(ReadText("incarnation", from.incarnation(), 0, kMaxIncarnationBytes, &state.incarnation));
  state.chained = from.chained();
  state.window = from.window();
  if (state.window > kMaxSourceWindow) return Refuse("window");
  state.ahead = from.ahead();
  const bool fits = state.ahead.size() <= (state.window + 7) / 8 && (state.ahead.empty() || state.ahead.back() != '\0');
  if (!fits) return Refuse("ahead");
  state.first_version = from.first_version();
  if (state.first_version == 0 || state.first_version - 1 > source.head.version) return Refuse("first_version");
  if (from.has_settled()) state.settled = from.settled();
  source.head.extras = std::move(extras);
  return source;
}

absl::Status Read(const Wire::Answer& from, Outcome* outcome) {
  if (from.code() == 0 || from.code() >= kOutcomeCodeCount) return Refuse("answer.code");
  if (from.rule() > static_cast<uint32_t>(Rule::kUnbalanced)) return Refuse("answer.rule");
  if (from.conflict() > static_cast<uint32_t>(Conflict::kDiscarded)) return Refuse("answer.conflict");
  if (from.results_size() > static_cast<int>(kMaxUpdatesPerChange)) return Refuse("answer.results");
  outcome->code = static_cast<OutcomeCode>(from.code());
  outcome->rule = static_cast<Rule>(from.rule());
  outcome->conflict = static_cast<Conflict>(from.conflict());
  outcome->lsn = from.lsn();
  outcome->sequence = from.sequence();
  SEMEL_RETURN_IF_ERROR(ReadText("answer.reason", from.reason(), 0, kMaxExportRecordBytes, &outcome->reason));
  for (const Wire::Result& result : from.results()) {
    UpdateResult& added = outcome->updates.emplace_back();
    added.version = result.version();
    SEMEL_RETURN_IF_ERROR(ReadAmount("answer.results.balance", result.balance(), &added.balance));
  }
  return absl::OkStatus();
}

ExportedMessage Read(const Wire::Message& from) {
  ExportedMessage message;
  if (from.has_change()) message.change = from.change().SerializeAsString();
  message.encoded_change = from.encoded_change();
  message.original = from.original();
  message.original_bytes = from.original_bytes();
  return message;
}

absl::StatusOr<ExportRecord> Read(const Wire::Header& from) {
  if (from.format() != kFormat) {
    return absl::InvalidArgumentError(absl::StrCat("the export has format ", from.format(), "; this library reads ",
                                                   kFormat, ": use a matching release"));
  }
  ExportHeader header;
  header.uuid = absl::HexStringToBytes(from.uuid());
  if (from.uuid().size() != 2 * kUuidBytes || absl::BytesToHexString(header.uuid) != from.uuid()) {
    return Refuse("header.uuid");
  }
  header.epoch = from.epoch();
  if (header.epoch == 0) return Refuse("header.epoch");
  header.created_us = from.created_us();
  header.lsn = from.lsn();
  header.next_sequence = from.next_sequence();
  header.commit_time_us = from.commit_time_us();
  const Wire::Options& options = from.options();
  header.options.balance_lookback = options.balance_lookback();
  header.options.explicit_entities = options.explicit_entities();
  header.options.parking = options.parking();
  header.options.parking_changes = options.parking_changes();
  header.options.parking_bytes = options.parking_bytes();
  header.options.parking_changes_per_entity = options.parking_changes_per_entity();
  header.options.parking_bytes_per_entity = options.parking_bytes_per_entity();
  return header;
}

absl::StatusOr<ExportRecord> Read(const Wire::Position& from) {
  ExportedPosition position;
  SEMEL_RETURN_IF_ERROR(ReadText("source", from.source(), 1, kMaxSourceNameBytes, &position.source));
  SEMEL_RETURN_IF_ERROR(ReadText("incarnation", from.incarnation(), 0, kMaxIncarnationBytes, &position.incarnation));
  position.position = from.position();
  SEMEL_RETURN_IF_ERROR(Read(from.answer(), &position.outcome));
  SEMEL_RETURN_IF_ERROR(Read(from.entry(), &position.entry));
  return position;
}

absl::StatusOr<ExportRecord> Read(const Wire::Parked& from) {
  ExportedParked parked;
  parked.parked_us = from.parked_us();
  SEMEL_RETURN_IF_ERROR(Read(from.entry(), &parked.entry));
  parked.message = Read(from.message());
  return parked;
}

absl::StatusOr<ExportRecord> Read(const Wire::Letter& from) {
  ExportedLetter letter;
  letter.refused_us = from.refused_us();
  SEMEL_RETURN_IF_ERROR(Read(from.answer(), &letter.outcome));
  SEMEL_RETURN_IF_ERROR(ReadText("id", from.id(), 0, kMaxIdBytes, &letter.id));
  if (from.has_source()) {
    SEMEL_RETURN_IF_ERROR(ReadText("source", from.source(), 1, kMaxSourceNameBytes, &letter.source.emplace()));
  }
  SEMEL_RETURN_IF_ERROR(ReadText("incarnation", from.incarnation(), 0, kMaxIncarnationBytes, &letter.incarnation));
  letter.position = from.position();
  letter.message = Read(from.message());
  return letter;
}

absl::StatusOr<ExportRecord> Read(const Wire::Retired& from) {
  ExportedPrefix retired;
  SEMEL_RETURN_IF_ERROR(ReadText("prefix", from.prefix(), 1, kMaxKeyBytes, &retired.prefix));
  retired.sequence = from.sequence();
  return retired;
}

absl::StatusOr<ExportRecord> Read(const Wire& from) {
  switch (from.record_case()) {
    case Wire::kHeader:
      return Read(from.header());
    case Wire::kEntity:
      return Read(from.entity());
    case Wire::kSource:
      return Read(from.source());
    case Wire::kPosition:
      return Read(from.position());
    case Wire::kParked:
      return Read(from.parked());
    case Wire::kLetter:
      return Read(from.letter());
    case Wire::kRetired:
      return Read(from.retired());
    case Wire::kTrailer:
      return ExportTrailer{from.trailer().records(), from.trailer().checksum()};
    case Wire::RECORD_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("no record that this library knows: use the release that wrote the export");
}

absl::Status ParseJson(std::string_view line, Wire* wire) {
  const auto status =
      google::protobuf::util::JsonStringToMessage(google::protobuf::StringPiece(line.data(), line.size()), wire);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError("no semel.v1.ExportRecord as JSON");
}

}  // namespace

std::string EncodeExportRecord(const ExportRecord& record, ExportFormat format) {
  Wire wire;
  std::visit(RecordWriter{&wire}, record);
  if (format == ExportFormat::kProto) return wire.SerializeAsString();
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string line;
  const auto status = google::protobuf::util::MessageToJsonString(wire, &line, options);
  SEMEL_CHECK(status.ok());
  return line;
}

absl::StatusOr<ExportRecord> DecodeExportRecord(std::string_view bytes, ExportFormat format) {
  const google::protobuf::LogSilencer silencer;  // what is wrong is returned
  Wire wire;
  if (format == ExportFormat::kJsonLines) {
    SEMEL_RETURN_IF_ERROR(ParseJson(bytes, &wire));
  } else if (!wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("no semel.v1.ExportRecord");
  }
  // Protobuf passes over fields that it does not know; what they said would be lost.
  const size_t bytes_with_unknown = wire.ByteSizeLong();
  wire.DiscardUnknownFields();
  if (wire.ByteSizeLong() != bytes_with_unknown) {
    return absl::InvalidArgumentError("a field that this library does not know: use the release that wrote the export");
  }
  return Read(wire);
}

}  // namespace semel::internal
