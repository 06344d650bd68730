// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// The subcommands of `semel`. Each Add function declares its subcommands on `app`; a callback runs the one that was
// given and leaves its exit status in `exit`, which outlives the parse.

#ifndef SEMEL_API_CLI_COMMANDS_H_
#define SEMEL_API_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "semel/ledger.h"

namespace semel::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // the engine could not do it, verify found a fault, or retried letters stay
inline constexpr int kExitUsage = 2;   // the arguments, or the input that they name, cannot be used

// All of them, in the order in which --help lists them.
void AddCommands(CLI::App& app, int* exit);

void AddInit(CLI::App& app, int* exit);
void AddOptions(CLI::App& app, int* exit);
void AddApply(CLI::App& app, int* exit);
void AddConsume(CLI::App& app, int* exit);
void AddSend(CLI::App& app, int* exit);
void AddPublish(CLI::App& app, int* exit);
void AddPartitions(CLI::App& app, int* exit);
void AddEntityCommands(CLI::App& app, int* exit);  // get, list, history
void AddStatement(CLI::App& app, int* exit);
void AddTrialBalance(CLI::App& app, int* exit);
void AddJournal(CLI::App& app, int* exit);
void AddSources(CLI::App& app, int* exit);
void AddParked(CLI::App& app, int* exit);
void AddDeadLetters(CLI::App& app, int* exit);
void AddStatusCommands(CLI::App& app, int* exit);  // stats, verify
void AddUpkeep(CLI::App& app, int* exit);          // trim, retire, answerable, rebuild, compact
void AddBackup(CLI::App& app, int* exit);          // backup, restore
void AddRepair(CLI::App& app, int* exit);
void AddExport(CLI::App& app, int* exit);  // export, import
void AddBench(CLI::App& app, int* exit);

// Says on stderr why a command does nothing or no more; `why` may hold any bytes. Returns `exit`.
int Refuse(std::string_view command, std::string_view why, int exit = kExitUsage);

// Says what went wrong with a ledger on stderr, with what to do about it. Returns the exit status.
int Fail(const absl::Status& status, std::string_view ledger);

// The same of a file that is no ledger, without advice.
int FailPlainly(const absl::Status& status, std::string_view file);

// Runs a command that only reads: opens the ledger beside a running writer, and reports what `read` returns.
int WithLedger(const std::string& directory, const std::function<absl::Status(Ledger&)>& read);

// Runs a command that writes: opens the ledger with these options, closes it, and reports what `work` returns.
int WithWriter(const std::string& directory, Options options, const std::function<absl::Status(Ledger&)>& work);

}  // namespace semel::cli

#endif  // SEMEL_API_CLI_COMMANDS_H_
