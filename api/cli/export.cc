// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// export, import: everything but the history, in a form that does not depend on the files.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "api/cli/commands.h"
#include "api/cli/figures.h"
#include "api/cli/message_reader.h"
#include "api/cli/new_file.h"
#include "api/cli/output.h"
#include "api/cli/progress.h"
#include "api/cli/text.h"

namespace semel::cli {
namespace {

// ---- export

struct ExportArguments {
  std::string ledger;
  std::string format;
  std::string output;
};

ExportFormat FormatOf(const std::string& format, const std::string& file) {
  return MessageFormat(format, file) == Format::kProto ? ExportFormat::kProto : ExportFormat::kJsonLines;
}

absl::Status Export(const ExportArguments& arguments, Ledger& ledger) {
  const ExportFormat format = FormatOf(arguments.format, arguments.output);
  if (arguments.output.empty()) {
    const auto write = [](std::string_view bytes) {
      PrintBytes(bytes);
      return absl::OkStatus();
    };
    return ledger.Export(format, write).status();
  }
  absl::StatusOr<NewFile> file = NewFile::Create(arguments.output);
  if (!file.ok()) return file.status();
  const absl::StatusOr<uint64_t> records =
      ledger.Export(format, [&](std::string_view bytes) { return file->Write(bytes); });
  if (!records.ok()) return records.status();
  if (absl::Status finished = file->Finish(); !finished.ok()) return finished;
  PrintLine(fmt::format("{}: {}", Printable(arguments.output), Count(*records, "record")));
  return absl::OkStatus();
}

void AddFormat(CLI::App* command, std::string* format) {
  command
      ->add_option("--format", *format,
                   "json: a line each; proto: semel.v1.ExportRecord, each after its length. Default: proto for .pb, "
                   ".binpb and .proto, else json")
      ->check(CLI::IsMember({"json", "proto"}));
}

void AddExportCommand(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("export", "Write everything but the history, in a form of its own");
  const auto arguments = std::make_shared<ExportArguments>();
  command->add_option("LEDGER", arguments->ledger, "The ledger's directory")->required();
  AddFormat(command, &arguments->format);
  command->add_option("-o,--output", arguments->output, "The file to create. Default: standard output");
  command->footer("Example:\n  semel export accounts -o accounts.jsonl\n  semel export accounts | gzip >accounts.gz");
  command->callback([arguments, exit] {
    *exit = WithLedger(arguments->ledger, [&](Ledger& ledger) { return Export(*arguments, ledger); });
  });
}

// ---- import

struct ImportArguments {
  std::string ledger;
  std::string file = "-";
  std::string format;
  bool json = false;
};

int Import(const ImportArguments& arguments) {
  const absl::StatusOr<std::unique_ptr<Input>> input = Input::Open(arguments.file);
  if (!input.ok()) return FailPlainly(input.status(), arguments.file);
  FractionProgress progress("import");
  const auto report_progress = progress.callback();
  uint64_t seen = 0;
  const auto read = [&]() -> absl::StatusOr<std::string> {
    std::string piece;
    const absl::StatusOr<size_t> count = (*input)->Read(&piece);
    if (!count.ok()) return count.status();
    seen += *count;
    if (report_progress && (*input)->size() > 0) {
      report_progress(static_cast<double>(seen) / static_cast<double>((*input)->size()));
    }
    return piece;
  };
  const absl::StatusOr<ImportReport> report =
      ImportLedger(arguments.ledger, FormatOf(arguments.format, arguments.file), read);
  progress.Clear();
  if (!report.ok()) return FailPlainly(report.status(), arguments.file);
  Figures figures;
  figures.Add("records", report->records);
  figures.Add("epoch", report->epoch);
  figures.Add("lsn", report->lsn);
  figures.Print(arguments.json);
  return kExitOk;
}

void AddImportCommand(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("import", "Make a new ledger of an export, in the next epoch");
  const auto arguments = std::make_shared<ImportArguments>();
  command->add_option("LEDGER", arguments->ledger, "The directory to create")->required();
  command->add_option("FILE", arguments->file, "What semel export wrote; - is standard input, the default");
  AddFormat(command, &arguments->format);
  command->add_flag("--json", arguments->json, "One JSON object");
  command->footer("Example:\n  semel import accounts2 accounts.jsonl");
  command->callback([arguments, exit] { *exit = Import(*arguments); });
}

}  // namespace

void AddExport(CLI::App& app, int* exit) {
  AddExportCommand(app, exit);
  AddImportCommand(app, exit);
}

}  // namespace semel::cli
