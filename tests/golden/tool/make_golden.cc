// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// make_golden DIRECTORY: makes there what the archive of a format holds:
//
//   ledger/        something of everything, trimmed, with frames after its last checkpoint
//   backup/        of the same
//   export.jsonl, export.pb
//   input.hex      every change that the ledger was given: in the journal's coding, in hexadecimal digits, a line each
//   shown.jsonl    all that it shows, as tests/ledger/show_ledger.h does
//   answers.jsonl  to the input, sent again
//   entities.txt   version, balance and value of each entity

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "engine/base/check.h"
#include "engine/journal/change_coding.h"
#include "tests/golden/golden_options.h"
#include "tests/ledger/show_ledger.h"
#include "tests/ledger/still_world.h"
#include "tests/ledger/story.h"

namespace semel::testing {
namespace {

void WriteLines(const std::string& path, const std::vector<std::string>& lines) {
  std::ofstream out(path, std::ios::binary);
  for (const std::string& line : lines) out << line << '\n';
  out.close();
  SEMEL_CHECK(out.good());
}

void WriteExport(Ledger* ledger, ExportFormat format, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  const auto records = ledger->Export(format, [&out](std::string_view piece) {
    out << piece;
    return absl::OkStatus();
  });
  out.close();
  SEMEL_CHECK(records.ok() && out.good());
}

// Returns what the ledger was given.
std::vector<Change> Live(Ledger* ledger) {
  std::vector<Change> input = TellStory(ledger, "a");
  const uint64_t end = ledger->GetStats()->durable_lsn;
  for (Change& change : TellStory(ledger, "b")) input.push_back(std::move(change));
  TrimOptions trim;
  trim.before_lsn = end;
  SEMEL_CHECK(ledger->Trim(trim)->removed_segments > 0);
  for (Change& change : TellStory(ledger, "c")) input.push_back(std::move(change));
  for (int i = 0; i < 5; ++i) {
    const std::string id = "after-the-checkpoint-" + std::to_string(i);
    input.push_back(AddAt(id, "late", static_cast<uint64_t>(i), 100 + i));
    SEMEL_CHECK(ledger->Apply(input.back())->applied());
  }
  return input;
}

void Make(const std::string& directory) {
  const std::string path = directory + "/ledger";
  Options options = GoldenOptions();
  options.create_if_missing = true;
  std::unique_ptr<Ledger> ledger = OpenStill(path, options, "golden of format");
  const std::vector<Change> input = Live(ledger.get());
  ledger.reset();  // as a killed process leaves it
  std::filesystem::remove(path + "/state/lock.mdb");

  std::vector<std::string> hex;
  for (const Change& change : input) hex.push_back(absl::BytesToHexString(internal::EncodeChange(change)));
  WriteLines(directory + "/input.hex", hex);

  // What it shows is that of a copy, as opening a ledger changes its files.
  const std::string copy = directory + "/copy";
  std::filesystem::copy(path, copy, std::filesystem::copy_options::recursive);
  ledger = OpenStill(copy, GoldenOptions(), "");
  SEMEL_CHECK(ledger->Backup(directory + "/backup").ok());
  std::filesystem::remove(directory + "/backup/state/lock.mdb");
  WriteExport(ledger.get(), ExportFormat::kJsonLines, directory + "/export.jsonl");
  WriteExport(ledger.get(), ExportFormat::kProto, directory + "/export.pb");
  WriteLines(directory + "/shown.jsonl", ShowAll(ledger.get()).value());
  WriteLines(directory + "/answers.jsonl", Redeliver(ledger.get(), input).value());
  WriteLines(directory + "/entities.txt", ShowEntities(ledger.get()).value());
  ledger.reset();
  std::filesystem::remove_all(copy);
}

}  // namespace
}  // namespace semel::testing

int main(int argc, char** argv) {
  SEMEL_CHECK(argc == 2);
  semel::testing::Make(argv[1]);
}
