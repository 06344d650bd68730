// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "api/cli/commands.h"

#include "api/cli/arguments.h"

namespace semel::cli {

void AddCommands(CLI::App& app, int* exit) {
  RefuseValuesOfFlags(&app);
  AddInit(app, exit);
  AddOptions(app, exit);
  AddApply(app, exit);
  AddConsume(app, exit);
  AddSend(app, exit);
  AddPublish(app, exit);
  AddPartitions(app, exit);
  AddEntityCommands(app, exit);
  AddStatement(app, exit);
  AddTrialBalance(app, exit);
  AddJournal(app, exit);
  AddSources(app, exit);
  AddParked(app, exit);
  AddDeadLetters(app, exit);
  AddStatusCommands(app, exit);
  AddUpkeep(app, exit);
  AddBackup(app, exit);
  AddRepair(app, exit);
  AddExport(app, exit);
  AddBench(app, exit);
}

}  // namespace semel::cli
