// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/journal/writer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/journal/frame_scan.h"
#include "engine/journal/segment_maker.h"
#include "engine/journal/segments.h"
#include "engine/journal/tail.h"

namespace semel::internal {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

// A segment that holds one large frame ends at a multiple of this.
constexpr size_t kPageBytes = 4096;

size_t FileBytesFor(size_t frame_bytes, size_t segment_bytes) {
  const size_t needed = kSegmentHeaderBytes + frame_bytes;
  if (needed <= segment_bytes) return segment_bytes;
  return (needed + kPageBytes - 1) / kPageBytes * kPageBytes;
}

absl::Status WriteZeros(File* file, uint64_t offset, uint64_t size) {
  const std::string zeros(std::min<uint64_t>(size, kPieceBytes), '\0');
  while (size > 0) {
    const size_t piece = std::min<uint64_t>(size, zeros.size());
    SEMEL_RETURN_IF_ERROR(file->WriteAt(offset, std::string_view(zeros).substr(0, piece)));
    offset += piece;
    size -= piece;
  }
  return absl::OkStatus();
}

// What a frame that is not right at the end of the journal means.
absl::Status JudgeTail(SegmentList* segments, Lsn lsn, RecoveryReport* report) {
  const SegmentList::Place place = *segments->Find(lsn);
  if (place.sealed) {
    return absl::DataLossError(absl::StrCat("journal: the frame at LSN ", lsn,
                                            ", inside a sealed segment, is damaged; restore from a backup"));
  }
  SEMEL_ASSIGN_OR_RETURN(const Tail tail, ExamineTail(segments, place, lsn));
  if (tail.frame_lsn.has_value()) {
    return absl::DataLossError(absl::StrCat("journal: the frame at LSN ", lsn,
                                            " is damaged and a valid one follows at ", *tail.frame_lsn,
                                            "; restore from a backup"));
  }
  if (tail.nonzero_bytes == 0) return absl::OkStatus();
  report->torn_tail = true;
  report->torn_lsn = lsn;
  report->torn_bytes = tail.nonzero_bytes;
  return absl::OkStatus();
}

absl::Status CheckDurable(Lsn end, Lsn durable) {
  if (end >= durable) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("journal: it ends at LSN ", end, ", but was durable up to ", durable,
                                          ": acknowledged frames are missing or damaged; restore from a backup"));
}

std::string Describe(const RecoveryReport& report) {
  std::string text;
  if (report.frames > 0) {
    text = absl::StrCat("journal: ", report.frames, " frames with ", report.entries, " entries redone");
  }
  if (report.torn_tail) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", "journal: torn tail at LSN ", report.torn_lsn, " cleared (",
                    report.torn_bytes, " bytes of a frame that was not complete)");
  }
  return text;
}

// Makes what the scan found durable, and clears what it refused. Only the last frame can be in the file without being
// durable: its sync was never asked for, or failed. After a failed sync the system takes its pages for clean, so it is
// written once more: then this sync covers it. So are the zeros behind it, as far as a header goes: those that an
// earlier opening wrote over a torn frame may not be durable either, and what they covered could come back behind the
// next frame.
absl::Status SettleTail(SegmentList* segments, const SegmentInfo& last, const std::optional<FrameHeader>& last_frame,
                        const JournalTip& tip, bool torn, File* file) {
  if (last_frame.has_value() && last_frame->lsn >= last.first_lsn) {
    std::string frame(last_frame->end_lsn() - last_frame->lsn, '\0');
    SEMEL_RETURN_IF_ERROR(ReadFully(file, last.OffsetOf(last_frame->lsn), frame.data(), frame.size(),
                                    SegmentPath(segments->identity(), last.first_lsn)));
    SEMEL_RETURN_IF_ERROR(file->WriteAt(last.OffsetOf(last_frame->lsn), frame));
  }
  const uint64_t rest = last.capacity_end() - tip.lsn;
  SEMEL_RETURN_IF_ERROR(
      WriteZeros(file, last.OffsetOf(tip.lsn), torn ? rest : std::min<uint64_t>(rest, kFrameHeaderBytes)));
  return file->Sync();
}

// Whether the directory holds at most what a creation that was cut short leaves: files without a frame.
absl::StatusOr<bool> IsEmptyJournal(FileSystem* file_system, const std::string& directory) {
  SEMEL_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(directory));
  for (const std::string& name : names) {
    if (name == "spare") continue;
    SEMEL_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                           file_system->Open(absl::StrCat(directory, "/", name), OpenMode::kRead));
    char frame[kFrameHeaderBytes] = {};
    SEMEL_RETURN_IF_ERROR(file->ReadAt(kSegmentHeaderBytes, frame, sizeof frame).status());
    if (std::any_of(frame, frame + sizeof frame, [](char c) { return c != 0; })) return false;
  }
  return true;
}

}  // namespace

absl::Status CreateJournal(FileSystem* file_system, const JournalIdentity& identity,
                           const JournalWriterOptions& options, Lsn first_lsn) {
  SEMEL_ASSIGN_OR_RETURN(const bool is_empty, IsEmptyJournal(file_system, identity.directory));
  if (!is_empty) return absl::AlreadyExistsError(absl::StrCat(identity.directory, " holds a journal"));
  SegmentMaker maker(file_system, identity, options.segment_bytes, nullptr);
  SegmentInfo first;
  first.first_lsn = first_lsn;
  first.file_bytes = static_cast<uint32_t>(options.segment_bytes);
  SEMEL_RETURN_IF_ERROR(maker.Make(first).status());
  return maker.Publish(first);
}

struct JournalWriter::State {
  State(FileSystem* file_system, const JournalIdentity& identity, const JournalWriterOptions& options_in,
        JournalReader* reader_in, Background* background)
      : options(options_in), reader(reader_in), maker(file_system, identity, options_in.segment_bytes, background) {}

  const JournalWriterOptions options;
  JournalReader* const reader;
  SegmentMaker maker;
  JournalTip tip;
  SegmentInfo last;  // the segment that is written
  std::unique_ptr<File> file;
  absl::Status poison;     // the first error of a write or sync: what every later call returns
  bool must_roll = false;  // the next segment may have its name already: nothing may be written before it any more

  bool Fits(size_t frame_bytes) const { return frame_bytes <= last.capacity_end() - tip.lsn; }
  absl::Status Roll(size_t frame_bytes);
  absl::Status Write(const FrameHeader& header, std::string_view frame);
  void PrepareSpareIfHalfFull();
};

absl::Status JournalWriter::State::Roll(size_t frame_bytes) {
  // An empty segment that is too small for a frame is replaced.
  const bool last_is_empty = tip.lsn == last.first_lsn;
  SegmentInfo next;
  next.first_lsn = tip.lsn;
  next.previous_first_lsn = last_is_empty ? last.previous_first_lsn : last.first_lsn;
  next.file_bytes = static_cast<uint32_t>(FileBytesFor(frame_bytes, options.segment_bytes));
  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<File> next_file, maker.Make(next));
  must_roll = true;
  SEMEL_RETURN_IF_ERROR(maker.Publish(next));
  must_roll = false;
  reader->segments()->Add(next);
  last = next;
  file = std::move(next_file);
  return absl::OkStatus();
}

absl::Status JournalWriter::State::Write(const FrameHeader& header, std::string_view frame) {
  if (header.lsn != tip.lsn || frame.size() != header.end_lsn() - header.lsn || must_roll || !Fits(frame.size())) {
    return absl::InternalError(absl::StrCat("journal: the frame for LSN ", header.lsn, " does not fit at ", tip.lsn));
  }
  SEMEL_RETURN_IF_ERROR(file->WriteAt(last.OffsetOf(tip.lsn), frame));
  return file->Sync();
}

// Not earlier: a process that comes and goes should not write a segment's worth of zeros each time.
void JournalWriter::State::PrepareSpareIfHalfFull() {
  if (tip.lsn - last.first_lsn > last.capacity_end() - tip.lsn) maker.PrepareSpare();
}

JournalWriter::JournalWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
JournalWriter::~JournalWriter() = default;

const JournalTip& JournalWriter::tip() const { return state_->tip; }

absl::StatusOr<std::unique_ptr<JournalWriter>> JournalWriter::Open(
    FileSystem* file_system, const JournalIdentity& identity, const JournalWriterOptions& options,
    JournalReader* reader, Background* background, const JournalTip& checkpoint,
    const std::function<absl::Status(const FrameHeader&, std::string_view entries)>& redo, RecoveryReport* report) {
  SegmentList* const segments = reader->segments();
  *report = RecoveryReport();
  SEMEL_RETURN_IF_ERROR(CheckFrameBefore(segments, checkpoint));

  // Redo every valid frame.
  FrameScanner scanner(segments, checkpoint, std::numeric_limits<Lsn>::max());
  std::optional<FrameHeader> last_frame;
  SEMEL_ASSIGN_OR_RETURN(FrameScanner::Step step, scanner.Next());
  while (step == FrameScanner::Step::kFrame) {
    last_frame = scanner.header();
    ++report->frames;
    report->entries += last_frame->entry_count;
    SEMEL_RETURN_IF_ERROR(redo(*last_frame, scanner.entries()));
    SEMEL_ASSIGN_OR_RETURN(step, scanner.Next());
  }

  // Decide about the end. Nothing was changed so far.
  if (step == FrameScanner::Step::kBad) SEMEL_RETURN_IF_ERROR(JudgeTail(segments, scanner.tip().lsn, report));
  SEMEL_RETURN_IF_ERROR(CheckDurable(scanner.tip().lsn, options.durable_lsn));
  report->text = Describe(*report);

  auto state = std::make_unique<State>(file_system, identity, options, reader, background);
  state->tip = scanner.tip();
  state->last = segments->At(segments->size() - 1).segment;
  SEMEL_ASSIGN_OR_RETURN(state->file,
                         file_system->Open(SegmentPath(identity, state->last.first_lsn), OpenMode::kReadWrite));
  SEMEL_RETURN_IF_ERROR(
      SettleTail(segments, state->last, last_frame, state->tip, report->torn_tail, state->file.get()));
  // The process before may have died between giving the last segment its name and syncing the directory.
  SEMEL_RETURN_IF_ERROR(file_system->SyncDirectory(identity.directory));
  reader->SetDurableLsn(state->tip.lsn);
  state->PrepareSpareIfHalfFull();
  return std::unique_ptr<JournalWriter>(new JournalWriter(std::move(state)));
}

absl::Status JournalWriter::Reserve(size_t frame_bytes) {
  SEMEL_RETURN_IF_ERROR(state_->poison);
  if (state_->Fits(frame_bytes) && !state_->must_roll) return absl::OkStatus();
  return state_->Roll(frame_bytes);
}

absl::Status JournalWriter::Seal() {
  SEMEL_RETURN_IF_ERROR(state_->poison);
  if (state_->tip.lsn == state_->last.first_lsn && !state_->must_roll) return absl::OkStatus();
  return state_->Roll(0);
}

absl::Status JournalWriter::Append(const FrameHeader& header, std::string_view frame) {
  SEMEL_RETURN_IF_ERROR(state_->poison);
  state_->poison = state_->Write(header, frame);
  SEMEL_RETURN_IF_ERROR(state_->poison);
  state_->tip = TipAfter(header);
  state_->reader->SetDurableLsn(state_->tip.lsn);
  state_->PrepareSpareIfHalfFull();
  return absl::OkStatus();
}

}  // namespace semel::internal
