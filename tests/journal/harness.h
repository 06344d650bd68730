// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A journal over any file system, and entries to put into it.

#ifndef SEMEL_TESTS_JOURNAL_HARNESS_H_
#define SEMEL_TESTS_JOURNAL_HARNESS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/status_macros.h"
#include "engine/journal/writer.h"

namespace semel::testing {

using namespace internal;  // NOLINT: tests of internals

inline JournalIdentity TestIdentity() {
  JournalIdentity identity;
  identity.directory = "journal";
  identity.uuid = "0123456789abcdef";
  identity.epoch = 3;
  identity.seed = SeedsOf(identity.uuid, identity.epoch).checks;
  return identity;
}

// An applied put of `value_bytes` bytes; entry number `number` says so in its id.
struct TestEntry {
  explicit TestEntry(uint64_t number, size_t value_bytes = 10)
      : id("id-" + std::to_string(number)), value(value_bytes, static_cast<char>('a' + number % 26)) {}

  // Points into this object, so that a temporary one will not do.
  Entry Make() const& {
    Entry entry;
    entry.outcome = OutcomeCode::kApplied;
    entry.id = id;
    entry.fingerprint = {1, 2};
    Effect& effect = entry.effects.emplace_back();
    effect.key = id;
    effect.version = 1;
    effect.action = Action::kPut;
    effect.value = value;
    return entry;
  }

  std::string id;
  std::string value;
};

// A journal that is created on the first Open and opened again after that.
class TestJournal {
 public:
  explicit TestJournal(FileSystem* file_system, size_t segment_bytes = 4096, Background* background = nullptr)
      : fs(file_system), background_(background), builder_(identity.seed) {
    options.segment_bytes = segment_bytes;
  }

  absl::Status Create() {
    if (absl::Status made = fs->CreateDirectory(identity.directory); !made.ok() && !absl::IsAlreadyExists(made)) {
      return made;
    }
    SEMEL_RETURN_IF_ERROR(fs->SyncDirectory(""));
    return CreateJournal(fs, identity, options);
  }

  // Opens reader and writer, and collects the ids that redo saw.
  absl::Status Open(const JournalTip& checkpoint = JournalTip(), size_t cache_bytes = 1 << 20) {
    Close();
    redone.clear();
    SEMEL_ASSIGN_OR_RETURN(reader, JournalReader::Open(fs, identity, cache_bytes));
    const auto redo = [this](const FrameHeader& header, std::string_view payload) {
      return VisitEntries(header, payload, identity.seed, [this](const Entry& entry) -> absl::StatusOr<bool> {
        redone.emplace_back(entry.id);
        return true;
      });
    };
    SEMEL_ASSIGN_OR_RETURN(
        writer, JournalWriter::Open(fs, identity, options, reader.get(), background_, checkpoint, redo, &report));
    return absl::OkStatus();
  }

  void Close() {
    writer.reset();
    reader.reset();
  }

  // Appends one frame of `entries` entries numbered from `first` on.
  absl::Status Append(uint64_t first, int entries = 1, size_t value_bytes = 10, int64_t now_us = 0) {
    builder_.Begin(writer->tip(), now_us);
    for (int i = 0; i < entries; ++i) {
      const TestEntry test_entry(first + i, value_bytes);
      Entry entry = test_entry.Make();
      builder_.Add(&entry);
      last_lsn = entry.lsn;
    }
    FrameHeader header;
    const std::string_view frame = builder_.Finish(&header);
    SEMEL_RETURN_IF_ERROR(writer->Reserve(frame.size()));
    return writer->Append(header, frame);
  }

  FileSystem* const fs;
  const JournalIdentity identity = TestIdentity();
  JournalWriterOptions options;
  std::unique_ptr<JournalReader> reader;
  std::unique_ptr<JournalWriter> writer;
  RecoveryReport report;
  std::vector<std::string> redone;
  Lsn last_lsn = 0;  // of the entry appended last

 private:
  Background* const background_;
  FrameBuilder builder_;
};

// "id-0", "id-1", ... up to, and without, `end`.
inline std::vector<std::string> IdsBelow(uint64_t end) {
  std::vector<std::string> ids;
  for (uint64_t i = 0; i < end; ++i) ids.push_back(TestEntry(i).id);
  return ids;
}

}  // namespace semel::testing

#endif  // SEMEL_TESTS_JOURNAL_HARNESS_H_
