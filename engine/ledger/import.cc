// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/import.h"

#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "engine/base/coding.h"
#include "engine/base/status_macros.h"
#include "engine/codec/export_stream.h"
#include "engine/commit/records.h"
#include "engine/journal/change_coding.h"
#include "engine/journal/writer.h"
#include "engine/ledger/base_snapshot.h"
#include "engine/ledger/directory.h"
#include "engine/state/fill_state.h"

namespace semel::internal {
namespace {

// Leaves room for addresses and sequences to go on.
constexpr uint64_t kMaxLsn = uint64_t{1} << 62;

// How large segments are is for those to say who open the ledger: the first is small.
constexpr size_t kFirstSegmentBytes = 4096;

absl::Status Refuse(absl::string_view what) { return absl::InvalidArgumentError(what); }

absl::Status CheckHeader(const ExportHeader& header) {
  if (header.lsn > kMaxLsn || header.next_sequence == 0 || header.next_sequence - 1 > header.lsn) {
    return Refuse("header: its LSN and sequence do not fit each other");
  }
  const DecidingOptions& options = header.options;
  if (options.balance_lookback == 0 || options.parking_changes == 0 || options.parking_bytes == 0 ||
      options.parking_changes_per_entity == 0 || options.parking_bytes_per_entity == 0) {
    return Refuse("header: an option is 0");
  }
  return absl::OkStatus();
}

// The bytes of a kept message, with what points into them.
struct Kept {
  std::string change;
  std::string original;
  KeptMessage message;
};

absl::Status ReadMessage(ExportedMessage from, Kept* kept) {
  if (!from.change.empty()) {
    SEMEL_ASSIGN_OR_RETURN(const Change change, ParseChangeProto(from.change));
    kept->change = EncodeChange(change);
  } else if (!from.encoded_change.empty()) {
    const absl::StatusOr<Change> change = DecodeChange(from.encoded_change);
    if (!change.ok() || EncodeChange(*change) != from.encoded_change) return Refuse("message.encoded_change");
    kept->change = std::move(from.encoded_change);
  }
  kept->original = std::move(from.original);
  if (kept->change.size() > kMaxKeptBytes || kept->original.size() > kMaxKeptBytes) {
    return Refuse("message: more than is kept of one");
  }
  if (from.original_bytes < kept->original.size()) return Refuse("message.original_bytes");
  kept->message = {kept->change, kept->original, from.original_bytes};
  return absl::OkStatus();
}

// Reads the records behind the header as those of a state.
class RecordsOfExport {
 public:
  RecordsOfExport(ExportReader* reader, const ExportHeader& header) : reader_(reader), header_(header) {}

  // See RecordReader.
  absl::StatusOr<bool> Next(Table* table, std::string_view* key, const Head** head) {
    ExportRecord record;
    SEMEL_ASSIGN_OR_RETURN(const bool more, reader_->Next(&record));
    if (!more) return false;
    const absl::Status taken = std::visit(
        [this](auto&& of_kind) { return Take(std::forward<decltype(of_kind)>(of_kind)); }, std::move(record));
    if (!taken.ok()) return reader_->Wrong(taken);
    if (!order_.Next(table_, key_).ok()) return reader_->Wrong(Refuse("not in order, or there twice"));
    *table = table_;
    *key = key_;
    *head = &head_;
    return true;
  }

 private:
  absl::Status Take(ExportHeader&&) { return Refuse("a second header"); }
  absl::Status Take(ExportTrailer&&) { return Refuse("a second trailer"); }

  absl::Status Take(ExportedHead&& from) {
    SEMEL_RETURN_IF_ERROR(CheckPast(from.head.last.lsn, from.head.last.sequence));
    table_ = from.table;
    key_ = std::move(from.key);
    head_ = std::move(from.head);
    return absl::OkStatus();
  }

  absl::Status Take(ExportedPosition&& from) {
    SEMEL_RETURN_IF_ERROR(CheckPast(from.outcome.lsn, from.outcome.sequence));
    TakeRecord(Table::kPositions, PositionKey(from.source, from.incarnation, from.position),
               EncodePosition({from.entry, std::move(from.outcome)}));
    return absl::OkStatus();
  }

  absl::Status Take(ExportedParked&& from) {
    SEMEL_RETURN_IF_ERROR(CheckPast(from.entry.lsn, from.entry.sequence));
    Kept kept;
    SEMEL_RETURN_IF_ERROR(ReadMessage(std::move(from.message), &kept));
    if (kept.change.empty()) return Refuse("a parked change without its message");
    TakeRecord(Table::kParked, SequenceKey(from.entry.sequence),
               EncodeParked({from.parked_us, from.entry, kept.message}));
    return absl::OkStatus();
  }

  absl::Status Take(ExportedLetter&& from) {
    SEMEL_RETURN_IF_ERROR(CheckPast(from.outcome.lsn, from.outcome.sequence));
    Kept kept;
    SEMEL_RETURN_IF_ERROR(ReadMessage(std::move(from.message), &kept));
    LetterRecord letter;
    letter.refused_us = from.refused_us;
    letter.outcome = std::move(from.outcome);
    letter.id = from.id;
    if (from.source) letter.source = SettledPosition{*from.source, from.incarnation, from.position};
    letter.message = kept.message;
    TakeRecord(Table::kLetters, SequenceKey(letter.outcome.sequence), EncodeLetter(letter));
    return absl::OkStatus();
  }

  absl::Status Take(ExportedPrefix&& from) {
    if (from.sequence >= header_.next_sequence) return Refuse("sequence: not before that of the header");
    std::string sequence;
    PutFixed64(&sequence, from.sequence);
    TakeRecord(Table::kRetired, std::move(from.prefix), sequence);
    return absl::OkStatus();
  }

  void TakeRecord(Table table, std::string key, std::string_view record) {
    table_ = table;
    key_ = std::move(key);
    head_ = RecordHead(record);
  }

  // The ledger goes on at the header's address and sequence: what is there already lies before.
  absl::Status CheckPast(Lsn lsn, uint64_t sequence) const {
    if (lsn < header_.lsn && sequence > 0 && sequence < header_.next_sequence) return absl::OkStatus();
    return Refuse("lsn or sequence: not before that of the header");
  }

  ExportReader* const reader_;
  const ExportHeader& header_;
  FeedOrder order_;
  Table table_ = Table::kEntities;
  std::string key_;
  Head head_;
};

absl::Status Fill(const World& world, const std::string& directory, const Manifest& manifest,
                  const ExportHeader& header, ExportReader* reader) {
  const JournalIdentity journal = JournalIdentityOf(directory, manifest);
  SEMEL_RETURN_IF_ERROR(world.files->CreateDirectory(journal.directory));
  JournalWriterOptions options;
  options.segment_bytes = kFirstSegmentBytes;
  SEMEL_RETURN_IF_ERROR(CreateJournal(world.files, journal, options, header.lsn));

  const StateIdentity identity = StateIdentityOf(directory, manifest);
  SEMEL_RETURN_IF_ERROR(world.create_state(identity));
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateStore> store, world.open_state(identity));
  CheckpointInfo info;
  info.tip = {header.lsn, header.next_sequence, /*frame_checksum=*/0, header.commit_time_us};
  info.options = header.options;
  info.floor = header.lsn;
  RecordsOfExport records(reader, header);
  const RecordReader next = [&](Table* table, std::string_view* key, const Head** head) {
    return records.Next(table, key, head);
  };
  SEMEL_RETURN_IF_ERROR(FillState(next, info, store.get()));
  // Once more, so that the checkpoint before the last, which LMDB keeps, is as good as the last.
  SEMEL_RETURN_IF_ERROR(store->Commit([](Table*, std::string_view*, const Head**) { return false; }, info));
  if (header.lsn == 0) return absl::OkStatus();  // it was empty
  SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<StateSnapshot> snapshot, store->Snapshot());
  return WriteBase(world.files, identity, snapshot.get(), /*stop=*/nullptr).status();
}

}  // namespace

absl::StatusOr<ImportReport> ImportRecords(const World& world, const std::string& directory, ExportFormat format,
                                           const std::function<absl::StatusOr<std::string>()>& read) {
  ExportReader reader(format, read);
  ExportRecord first;
  SEMEL_ASSIGN_OR_RETURN(const bool more, reader.Next(&first));
  const auto* header = std::get_if<ExportHeader>(&first);
  if (!more || header == nullptr) return reader.Wrong(Refuse("an export begins with a header"));
  if (const absl::Status right = CheckHeader(*header); !right.ok()) return reader.Wrong(right);

  Manifest exported;
  exported.uuid = header->uuid;
  exported.epoch = header->epoch;
  exported.created_us = header->created_us;
  exported.options = header->options;
  SEMEL_ASSIGN_OR_RETURN(const Manifest manifest, NextEpochOf(exported, 0, header->lsn));
  SEMEL_RETURN_IF_ERROR(
      MakeLedger(world.files, directory, manifest, [&] { return Fill(world, directory, manifest, *header, &reader); }));
  return ImportReport{reader.records(), manifest.epoch, header->lsn};
}

}  // namespace semel::internal

namespace semel {

absl::StatusOr<ImportReport> ImportLedger(std::string_view directory, ExportFormat format,
                                          const std::function<absl::StatusOr<std::string>()>& read) {
  return internal::ImportRecords(internal::RealWorld(Options().state_map_bytes, /*read_only=*/false),
                                 std::string(directory), format, read);
}

}  // namespace semel
