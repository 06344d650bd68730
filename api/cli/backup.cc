// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// backup, restore: copies of a ledger, and ledgers made of them.

#include <memory>
#include <string>

#include "api/cli/arguments.h"
#include "api/cli/commands.h"
#include "api/cli/figures.h"
#include "api/cli/progress.h"

namespace semel::cli {
namespace {

// ---- backup

struct BackupArguments {
  std::string ledger;
  std::string destination;
  BackupOptions backup;
  bool json = false;
};

absl::Status Backup(const BackupArguments& arguments, Ledger& ledger) {
  const absl::StatusOr<BackupReport> report = ledger.Backup(arguments.destination, arguments.backup);
  if (!report.ok()) return report.status();
  Figures figures;
  figures.Add("uuid", report->uuid);
  figures.Add("epoch", report->epoch);
  figures.Add("lsn", report->lsn);
  figures.Add("sequence", report->sequence);
  figures.AddTime("commit_time_us", report->commit_time_us);
  figures.Add("copied_segments", report->copied_segments);
  figures.Add("kept_segments", report->kept_segments);
  figures.Add("bytes", report->bytes);
  figures.Print(arguments.json);
  return absl::OkStatus();
}

void AddBackupCommand(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("backup", "Copy a ledger, also beside a running writer");
  const auto arguments = std::make_shared<BackupArguments>();
  command->add_option("LEDGER", arguments->ledger, "The ledger's directory")->required();
  command
      ->add_option("DEST", arguments->destination,
                   "A directory: absent, empty, or with an older backup of this ledger, which is brought up to date")
      ->required();
  command->add_flag("--hard-links", arguments->backup.hard_links,
                    "Share sealed segments with the ledger instead of copying them");
  command->add_flag("!--no-verify", arguments->backup.verify, "Do not read and replay the whole backup at the end");
  command->add_flag("--json", arguments->json, "One JSON object");
  command->footer("Example:\n  semel backup accounts /backup/accounts");
  command->callback([arguments, exit] {
    *exit = WithLedger(arguments->ledger, [&](Ledger& ledger) { return Backup(*arguments, ledger); });
  });
}

// ---- restore

struct RestoreArguments {
  std::string backup;
  std::string ledger;
  uint64_t epoch = 0;
  bool json = false;
};

int Restore(const RestoreArguments& arguments) {
  FractionProgress progress("restore");
  const absl::StatusOr<RestoreReport> report =
      RestoreLedger(arguments.backup, arguments.ledger, arguments.epoch, progress.callback());
  progress.Clear();
  if (!report.ok()) return FailPlainly(report.status(), arguments.backup);
  Figures figures;
  figures.Add("epoch", report->epoch);
  figures.Add("lsn", report->lsn);
  figures.Add("sequence", report->sequence);
  figures.Print(arguments.json);
  return kExitOk;
}

void AddRestore(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("restore", "Make a new ledger of a backup, in the next epoch");
  const auto arguments = std::make_shared<RestoreArguments>();
  command->add_option("BACKUP", arguments->backup, "The backup's directory; it is only read")->required();
  command->add_option("LEDGER", arguments->ledger, "The directory to create")->required();
  AddNumber(command, "--epoch", &arguments->epoch,
            "At least this one: when an earlier restore of the same backup went into use");
  command->add_flag("--json", arguments->json, "One JSON object");
  command->footer("Example:\n  semel restore /backup/accounts accounts");
  command->callback([arguments, exit] { *exit = Restore(*arguments); });
}

}  // namespace

void AddBackup(CLI::App& app, int* exit) {
  AddBackupCommand(app, exit);
  AddRestore(app, exit);
}

}  // namespace semel::cli
