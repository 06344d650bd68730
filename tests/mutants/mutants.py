# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""The planted bugs: what each breaks, where, and which tests must notice.

`old` stands in the file exactly once; `new` takes its place and does the same as long as MUTANT(name) is false.
`killers`: for each area the filter of the tests that are run against the bug, at least one of which must fail.
"""
import collections

Mutant = collections.namedtuple("Mutant", "name breaks file old new killers")

MUTANTS = [
    # ---- The journal: what is acknowledged is durable, and nothing else is read.
    Mutant(
        "journal_no_sync", "a frame is written and never synced", "engine/journal/writer.cc",
        "  return file->Sync();\n}\n\n// Not earlier",
        "  return MUTANT(journal_no_sync) ? absl::OkStatus() : file->Sync();\n}\n\n// Not earlier",
        {"journal": "*JournalPowerLoss*/0"}),
    Mutant(
        "ack_before_sync", "a frame is acknowledged before its sync, which comes with the next",
        "engine/journal/writer.cc",
        "  SEMEL_RETURN_IF_ERROR(file->WriteAt(last.OffsetOf(tip.lsn), frame));\n",
        "  if (MUTANT(ack_before_sync)) {\n"
        "    SEMEL_RETURN_IF_ERROR(file->Sync());\n"
        "    return file->WriteAt(last.OffsetOf(tip.lsn), frame);\n"
        "  }\n"
        "  SEMEL_RETURN_IF_ERROR(file->WriteAt(last.OffsetOf(tip.lsn), frame));\n",
        {"journal": "*JournalPowerLoss*/0"}),
    Mutant(
        "tail_not_zeroed", "a torn tail is left where the next frame ends", "engine/journal/writer.cc",
        "torn ? rest : std::min<uint64_t>(rest, kFrameHeaderBytes)",
        "torn && !MUTANT(tail_not_zeroed) ? rest : std::min<uint64_t>(rest, kFrameHeaderBytes)",
        {"journal": "RecoveryTest.TornTail*:*JournalPowerLoss*/0"}),
    Mutant(
        "zeros_not_settled", "zeros behind the last frame whose sync failed are taken for durable at open",
        "engine/journal/writer.cc",
        "  const uint64_t rest = last.capacity_end() - tip.lsn;\n",
        "  if (MUTANT(zeros_not_settled) && !torn) {\n"
        "    const bool rewritten = last_frame.has_value() && last_frame->lsn >= last.first_lsn;\n"
        "    return rewritten ? file->Sync() : absl::OkStatus();\n"
        "  }\n"
        "  const uint64_t rest = last.capacity_end() - tip.lsn;\n",
        {"journal": "JournalPowerLossSeed.*"}),
    Mutant(
        "last_frame_not_settled", "a last frame whose sync failed is taken for durable at open",
        "engine/journal/writer.cc",
        "  if (last_frame.has_value() && last_frame->lsn >= last.first_lsn) {\n",
        "  if (!MUTANT(last_frame_not_settled) && last_frame.has_value() && last_frame->lsn >= last.first_lsn) {\n",
        {"journal": "RecoveryTest.FrameOfAFailedSync*:*JournalPowerLoss*/0"}),
    Mutant(
        "damage_cut_as_a_tail", "a damaged frame before a valid one is cut away", "engine/journal/writer.cc",
        "  if (tail.frame_lsn.has_value()) {\n",
        "  if (tail.frame_lsn.has_value() && !MUTANT(damage_cut_as_a_tail)) {\n",
        {"journal": "RecoveryTest.*"}),
    Mutant(
        "sealed_damage_cut_as_a_tail", "damage in a sealed segment is examined like a tail", "engine/journal/writer.cc",
        "  if (place.sealed) {\n", "  if (place.sealed && !MUTANT(sealed_damage_cut_as_a_tail)) {\n",
        {"journal": "RecoveryTest.*"}),
    Mutant(
        "append_after_an_error", "after a failed write the journal goes on", "engine/journal/writer.cc",
        "  state_->poison = state_->Write(header, frame);\n  SEMEL_RETURN_IF_ERROR(state_->poison);\n",
        "  const absl::Status written = state_->Write(header, frame);\n"
        "  if (!MUTANT(append_after_an_error)) state_->poison = written;\n"
        "  SEMEL_RETURN_IF_ERROR(written);\n",
        {"journal": "JournalWriterTest.*"}),
    Mutant(
        "append_before_the_unnamed_segment", "after a segment's name failed, frames go into the one before",
        "engine/journal/writer.cc",
        "  if (state_->Fits(frame_bytes) && !state_->must_roll) return absl::OkStatus();\n",
        "  if (state_->Fits(frame_bytes) && MUTANT(append_before_the_unnamed_segment)) state_->must_roll = false;\n"
        "  if (state_->Fits(frame_bytes) && !state_->must_roll) return absl::OkStatus();\n",
        {"journal": "JournalWriterTest.*"}),
    Mutant(
        "directory_not_synced_at_open", "a segment's name that only the last process saw is used",
        "engine/journal/writer.cc",
        "  SEMEL_RETURN_IF_ERROR(file_system->SyncDirectory(identity.directory));\n",
        "  if (!MUTANT(directory_not_synced_at_open)) {\n"
        "    SEMEL_RETURN_IF_ERROR(file_system->SyncDirectory(identity.directory));\n"
        "  }\n",
        {"journal": "*JournalPowerLoss*/0"}),
    Mutant(
        "segment_header_not_synced", "a segment is named before its header is durable",
        "engine/journal/segment_maker.cc",
        "  if (written.ok()) written = file->Sync();\n",
        "  if (written.ok() && !MUTANT(segment_header_not_synced)) written = file->Sync();\n",
        {"journal": "*JournalPowerLoss*/0"}),
    Mutant(
        "segment_name_not_synced", "frames go into a segment whose name is not durable",
        "engine/journal/segment_maker.cc",
        "  return file_system_->SyncDirectory(identity_.directory);\n",
        "  return MUTANT(segment_name_not_synced) ? absl::OkStatus() : file_system_->SyncDirectory(identity_.directory);\n",
        {"journal": "*JournalPowerLoss*/0"}),
    Mutant(
        "spare_of_another_life", "a leftover spare is used, whatever of it is durable",
        "engine/journal/segment_maker.cc",
        "  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<File> file, file_system->Open(path, OpenMode::kCreateNew));\n",
        "  SEMEL_ASSIGN_OR_RETURN(std::unique_ptr<File> file, file_system->Open(path, OpenMode::kCreateNew));\n"
        "  if (MUTANT(spare_of_another_life)) return file;\n",
        {"journal": "JournalWriterTest.*"}),
    Mutant(
        "payload_unchecked", "a frame counts as whole when its header does", "engine/journal/frame.cc",
        "         PayloadChecksum(payload, header.lsn, seed) == header.payload_checksum;\n",
        "         (MUTANT(payload_unchecked) || PayloadChecksum(payload, header.lsn, seed) == header.payload_checksum);\n",
        {"journal": "RecoveryTest.TornTail*:*JournalPowerLoss*/0"}),
    Mutant(
        "header_checksum_without_the_length", "the header's checksum leaves the payload's length out",
        "engine/journal/frame.cc",
        "  return Checksum64(bytes.substr(0, kChecksumOffset), MixSeed(seed, lsn));\n",
        "  if (MUTANT(header_checksum_without_the_length)) {\n"
        "    std::string without(bytes.substr(0, kChecksumOffset));\n"
        "    return Checksum64(without.erase(24, 4), MixSeed(seed, lsn));\n"
        "  }\n"
        "  return Checksum64(bytes.substr(0, kChecksumOffset), MixSeed(seed, lsn));\n",
        {"journal": "Frame.*"}),
    Mutant(
        "checksum_without_the_place", "a frame is valid wherever it stands and in any ledger",
        "engine/journal/frame.cc",
        "uint64_t PayloadChecksum(std::string_view payload, Lsn lsn, uint64_t seed) {\n",
        "uint64_t PayloadChecksum(std::string_view payload, Lsn lsn, uint64_t seed) {\n"
        "  if (MUTANT(checksum_without_the_place)) return Checksum64(payload, 0);\n",
        {"journal": "Frame.*"}),
    Mutant(
        "commit_time_falls", "a frame's time is the clock's, also when the clock falls", "engine/journal/frame.cc",
        "  commit_time_us_ = std::max(tip.commit_time_us, now_us);\n",
        "  commit_time_us_ = MUTANT(commit_time_falls) ? now_us : std::max(tip.commit_time_us, now_us);\n",
        {"journal": "Frame.CommitTime*:JournalWriterTest.Append_CommitTime*"}),
    Mutant(
        "frames_not_chained", "a frame need not continue the one before it", "engine/journal/frame.cc",
        "header.lsn == tip.lsn && header.previous_checksum == tip.frame_checksum &&",
        "header.lsn == tip.lsn && (MUTANT(frames_not_chained) || header.previous_checksum == tip.frame_checksum) &&",
        {"journal": "RecoveryTest.*:ReaderTest.*"}),
    Mutant(
        "history_not_compared", "a frame may carry another history than that before it", "engine/journal/frame.cc",
        "         header.history_before == tip.history;\n",
        "         (MUTANT(history_not_compared) || header.history_before == tip.history);\n",
        {"tamper": "TamperEvidence.AFrame*"}),
    Mutant(
        "history_without_time_and_place", "the history's hash covers entries alone: frames can be cut otherwise, or redated",
        "engine/journal/frame.cc",
        "  hash.Add(fields);\n", "  if (!MUTANT(history_without_time_and_place)) hash.Add(fields);\n",
        {"tamper": "TamperEvidence.FramesCannot*"}),
    Mutant(
        "frame_below_the_checkpoint_unchecked", "what the checkpoint stands on is not looked at",
        "engine/journal/tail.cc",
        "  const SegmentList::Place place = *segments->Find(checkpoint.lsn - 1);\n",
        "  if (MUTANT(frame_below_the_checkpoint_unchecked)) return absl::OkStatus();\n"
        "  const SegmentList::Place place = *segments->Find(checkpoint.lsn - 1);\n",
        {"journal": "RecoveryTest.*"}),
    Mutant(
        "entry_unchecked", "an entry is read without its check", "engine/journal/entry.cc",
        "  if (GetFixed32(bytes.data()) != CheckOf(checked, lsn, seed)) {\n",
        "  if (!MUTANT(entry_unchecked) && GetFixed32(bytes.data()) != CheckOf(checked, lsn, seed)) {\n",
        {"journal": "Entry.*:ReaderTest.ReadEntry*"}),
    Mutant(
        "pointer_to_a_wrong_ancestor", "the back-pointers of the upper levels lead to too near a version",
        "engine/rules/chain.cc",
        "pointers.push_back(levels_[level]); });\n",
        "pointers.push_back(levels_[MUTANT(pointer_to_a_wrong_ancestor) && level > 0 ? level - 1 : level]); });\n",
        {"rules": "ChainTop.*", "journal": "ChainWalk.FindVersion*"}),
    Mutant(
        "read_below_the_floor", "history below the floor is followed", "engine/journal/chain_walk.cc",
        "  bool Readable(const Link& link) const { return link.lsn >= floor_; }\n",
        "  bool Readable(const Link& link) const { return MUTANT(read_below_the_floor) || link.lsn >= floor_; }\n",
        {"journal": "ChainWalk.*AgreesWithAPlainVector"}),
    Mutant(
        "walk_stops_one_short", "the oldest entry that is asked about is not looked at", "engine/journal/chain_walk.cc",
        "    if (!go_on || link.version == after + 1) {\n",
        "    if (!go_on || link.version <= after + 1 + MUTANT(walk_stops_one_short)) {\n",
        {"journal": "ChainWalk.WalkBack*"}),
    Mutant(
        "as_of_lsn_off_by_one", "as of an entry's own LSN its effect is not seen", "engine/ledger/reads.cc",
        "FindAtLsn(journal_, start, lsn, journal_->floor()));\n",
        "FindAtLsn(journal_, start, lsn - (MUTANT(as_of_lsn_off_by_one) && lsn > 0), journal_->floor()));\n",
        {"ledger": "EntityRules.R22*"}),
    Mutant(
        "as_of_time_off_by_one", "as of a frame's own time it is not seen", "engine/journal/reader.cc",
        "    if (header.commit_time_us > time_us) break;\n",
        "    if (header.commit_time_us > time_us - MUTANT(as_of_time_off_by_one)) break;\n",
        {"journal": "ReaderTest.LsnAtTime*", "ledger": "EntityRules.R22*"}),

    # ---- Deciding.
    Mutant(
        "own_last_change_not_recognised",
        "the head's last id is not compared: a retry with a fresh version is applied again",
        "engine/rules/classify.cc",
        "    if (head_.version > 0 && head_.last.id == identity_.id) return Applied(head_.last);\n",
        "    if (!MUTANT(own_last_change_not_recognised) && head_.version > 0 && head_.last.id == identity_.id) {\n"
        "      return Applied(head_.last);\n"
        "    }\n",
        {"rules": "Judge.*", "ledger": "OutcomeRules.*:Scenarios.R41_LineByLine*"}),
    Mutant(
        "id_without_content", "the same id with other content passes for a duplicate", "engine/rules/classify.cc",
        "    if (judgement.verdict == Verdict::kApplied && judgement.evidence.fingerprint == fingerprint) {\n",
        "    if (judgement.verdict == Verdict::kApplied &&\n"
        "        (MUTANT(id_without_content) || judgement.evidence.fingerprint == fingerprint)) {\n",
        {"ledger": "IdentityRules.R03*:EntityRules.R18*"}),
    Mutant(
        "version_off_by_one", "a change that is one version ahead is applied", "engine/rules/classify.cc",
        "    if (*update_.expect_version > head_.version) {\n",
        "    if (*update_.expect_version > head_.version + MUTANT(version_off_by_one)) {\n",
        {"ledger": "OutcomeRules.R07*"}),
    Mutant(
        "lost_evidence_ignored", "what trimmed history may hide is applied", "engine/rules/classify.cc",
        "    return Simply(past.complete ? Verdict::kHolds : Verdict::kOutOfReach);\n",
        "    return Simply(past.complete || MUTANT(lost_evidence_ignored) ? Verdict::kHolds : Verdict::kOutOfReach);\n",
        {"ledger": "OutcomeRules.R14*:TrimRules.R34*"}),
    Mutant(
        "prior_balance_without_history", "a balance that came back matches again (ABA)", "engine/rules/classify.cc",
        "    if (past.found) return Applied(*past.found);\n    if (since_ahead) return Ahead(*update_.since);\n",
        "    if (past.found && !MUTANT(prior_balance_without_history)) return Applied(*past.found);\n"
        "    if (since_ahead) return Ahead(*update_.since);\n",
        {"ledger": "OutcomeRules.R28*"}),
    Mutant(
        "lookback_off_by_one", "one entry more than the lookback is read", "engine/rules/classify.cc",
        "    return history_.Find(i_, identity_.id, after, lookback_ - 1);\n",
        "    return history_.Find(i_, identity_.id, after, lookback_ - 1 + MUTANT(lookback_off_by_one));\n",
        {"rules": "Judge.*", "ledger": "OutcomeRules.R28*"}),
    Mutant(
        "stamp_tie_superseded", "the same stamp again is acknowledged whatever it says", "engine/rules/classify.cc",
        "    if (*update_.newer < stamp->value) return Simply(Verdict::kSuperseded);\n",
        "    if (*update_.newer < stamp->value + MUTANT(stamp_tie_superseded)) return Simply(Verdict::kSuperseded);\n",
        {"ledger": "OutcomeRules.R29*"}),
    Mutant(
        "partly_superseded_acknowledged", "a change of which one part is superseded is acknowledged",
        "engine/rules/classify.cc",
        "    return partly ? DecideConflict(",
        "    return partly && !MUTANT(partly_superseded_acknowledged) ? DecideConflict(",
        {"rules": "Combine.*", "ledger": "Scenarios.R41_LineByLine*"}),
    Mutant(
        "stamp_lost_at_delete", "a delete forgets the stamp: an old put resurrects", "engine/rules/effect.cc",
        "    extras->value.reset();\n    extras->value_lsn = 0;\n",
        "    extras->value.reset();\n    extras->value_lsn = 0;\n"
        "    if (MUTANT(stamp_lost_at_delete)) extras->stamp.reset();\n",
        {"ledger": "OutcomeRules.R29*:IdentityRules.R05*"}),
    Mutant(
        "overflow_unchecked", "a sum that does not fit wraps", "engine/rules/rules.cc",
        "  if (SumOverflows(head.balance, update.amount)) return Rule::kOverflow;\n",
        "  if (!MUTANT(overflow_unchecked) && SumOverflows(head.balance, update.amount)) return Rule::kOverflow;\n",
        {"rules": "CheckRules.R37*", "ledger": "OutcomeRules.R37*"}),
    Mutant(
        "balance_limit_off_by_one", "a balance may lie one below its limit", "engine/rules/rules.cc",
        "  return balance >= policy.min_balance.value_or(kAmountMin) &&",
        "  const bool low = MUTANT(balance_limit_off_by_one) && policy.min_balance && balance != kAmountMax &&\n"
        "                   balance + 1 == *policy.min_balance;\n"
        "  return (low || balance >= policy.min_balance.value_or(kAmountMin)) &&",
        {"rules": "CheckRules.*"}),
    Mutant(
        "deleted_entity_recreated", "any change re-creates a deleted entity", "engine/rules/rules.cc",
        "  if (head.deleted && !MayRecreate(update)) return Rule::kDeleted;\n",
        "  if (head.deleted && !MayRecreate(update) && !MUTANT(deleted_entity_recreated)) return Rule::kDeleted;\n",
        {"rules": "CheckRules.*", "ledger": "IdentityRules.R05*:Scenarios.R41_LineByLine*"}),
    Mutant(
        "assets_summed_together", "a balanced change may turn one asset into another", "engine/rules/rules.cc",
        "    const bool last_of_asset = i + 1 == adds.size() || adds[i + 1].asset != adds[i].asset;\n",
        "    const bool last_of_asset =\n"
        "        i + 1 == adds.size() || (!MUTANT(assets_summed_together) && adds[i + 1].asset != adds[i].asset);\n",
        {"rules": "CheckRules.Balanced*"}),
    Mutant(
        "extras_changed_in_place", "a head that is not durable yet changes the one that readers see",
        "engine/rules/effect.cc",
        "  } else if (head->extras.use_count() > 1) {\n",
        "  } else if (head->extras.use_count() > 1 && !MUTANT(extras_changed_in_place)) {\n",
        {"rules": "ApplyEffect.*"}),
    Mutant(
        "version_unchecked_at_redo", "an effect is redone whatever version the head has", "engine/rules/effect.cc",
        "  if (effect.version == 0 || effect.version - 1 != head->version) {\n",
        "  if (!MUTANT(version_unchecked_at_redo) && (effect.version == 0 || effect.version - 1 != head->version)) {\n",
        {"rules": "ApplyEffect.*"}),

    # ---- Sources.
    Mutant(
        "incarnation_ignored", "positions that have started anew are taken for the old ones", "engine/rules/source.cc",
        "  if (source.incarnation != known.incarnation) {\n",
        "  if (!MUTANT(incarnation_ignored) && source.incarnation != known.incarnation) {\n",
        {"ledger": "SourceRules.R26*"}),
    Mutant(
        "window_shifted_wrongly", "the window's bitmap is one off once the cursor has moved", "engine/rules/source.cc",
        "    const uint64_t to = i - count;\n", "    const uint64_t to = i - count + MUTANT(window_shifted_wrongly);\n",
        {"ledger": "*R27*"}),
    Mutant(
        "window_off_by_one", "a position one beyond the window is decided", "engine/rules/source.cc",
        "source.position - cursor.value_or(0) > source.window) {\n",
        "source.position - cursor.value_or(0) > source.window + MUTANT(window_off_by_one)) {\n",
        {"ledger": "*R27*"}),
    Mutant(
        "undecided_position_jumped_over", "the cursor passes a position that is still early", "engine/rules/source.cc",
        "  if (blocked && source.position > *memory->blocked) {\n",
        "  if (blocked && source.position > *memory->blocked && !MUTANT(undecided_position_jumped_over)) {\n",
        {"ledger": "SourceRules.*"}),
    Mutant(
        "cursor_one_behind", "the cursor is stored one position too low", "engine/rules/effect.cc",
        "    source.cursor = effect.position;\n",
        "    source.cursor = effect.position - (MUTANT(cursor_one_behind) && effect.position > 0);\n",
        {"ledger": "*R23*:SourceRules.R24*"}),
    Mutant(
        "refusal_consumes_nothing", "a refused message of a source leaves no trace", "engine/commit/decider.cc",
        "  if (c.letter != 0 && refused) return absl::OkStatus();  // it stays as it was\n",
        "  if (c.letter != 0 && refused) return absl::OkStatus();  // it stays as it was\n"
        "  if (MUTANT(refusal_consumes_nothing) && refused && c.parked == 0) return absl::OkStatus();\n",
        {"ledger": "SourceRules.R21*"}),
    Mutant(
        "position_without_content", "another message on a consumed position passes for the first",
        "engine/commit/decider.cc",
        "  if (entry.id == c.prepared.identity.id && entry.fingerprint == c.prepared.identity.fingerprint) return false;\n",
        "  if (MUTANT(position_without_content)) return false;\n"
        "  if (entry.id == c.prepared.identity.id && entry.fingerprint == c.prepared.identity.fingerprint) return false;\n",
        {"ledger": "SourceRules.R24*"}),
    Mutant(
        "failed_frame_forgets_its_positions", "after a frame that failed, later positions pass those in it",
        "engine/commit/source_memories.cc",
        "    if (position.has_value()) Block(*position, &Mutable(source));\n",
        "    if (!MUTANT(failed_frame_forgets_its_positions) && position.has_value()) Block(*position, &Mutable(source));\n",
        {"commit": "SourceMemoriesTest.*"}),
    Mutant(
        "failed_request_forgets_its_positions", "later positions pass those that were answered with an error",
        "engine/commit/committer.cc",
        "    if (prepared.has_source()) decider_.NoteUndecided(*prepared.change->source);\n",
        "    if (!MUTANT(failed_request_forgets_its_positions) && prepared.has_source()) {\n"
        "      decider_.NoteUndecided(*prepared.change->source);\n"
        "    }\n",
        {"ledger": "UndecidedPosition.*"}),
    Mutant(
        "refused_position_passed", "later positions pass one that ApplyAsync refused", "engine/commit/committer.cc",
        "  for (const auto& [name, position] : refused) decider_.NoteUndecided(position);\n",
        "  for (const auto& [name, position] : refused) {\n"
        "    if (!MUTANT(refused_position_passed)) decider_.NoteUndecided(position);\n"
        "  }\n",
        {"ledger": "OpenedLedger.Async*"}),
    Mutant(
        "consumed_source_blocked", "a position below the cursor holds its source back", "engine/rules/source.cc",
        "(!cursor.has_value() || *memory->blocked > *cursor);\n",
        "(!cursor.has_value() || *memory->blocked > *cursor || MUTANT(consumed_source_blocked));\n",
        {"rules": "JudgeSource.*"}),
    Mutant(
        "epoch_unchecked", "a change that names the epoch before a restore is matched on the new timeline",
        "engine/commit/decider.cc",
        "  if (change.epoch.has_value() && *change.epoch != epoch) {\n",
        "  if (!MUTANT(epoch_unchecked) && change.epoch.has_value() && *change.epoch != epoch) {\n",
        {"ledger": "BackupTest.R06*"}),

    # ---- Parking, dead letters, retired keys.
    Mutant(
        "parked_lost_at_reopen", "parked changes are not found again after opening", "engine/commit/decider.cc",
        "    lot_.Add(ParkingLot::Describe(record.entry.sequence, identity, change, size));\n",
        "    if (!MUTANT(parked_lost_at_reopen)) {\n"
        "      lot_.Add(ParkingLot::Describe(record.entry.sequence, identity, change, size));\n"
        "    }\n",
        {"ledger": "ParkingTest.R39*"}),
    Mutant(
        "parked_decided_twice", "a parked change that was decided stays in the state", "engine/commit/records.cc",
        "  if (entry.parked != 0) add(Table::kParked, SequenceKey(entry.parked), std::nullopt);\n",
        "  if (entry.parked != 0 && !MUTANT(parked_decided_twice)) {\n"
        "    add(Table::kParked, SequenceKey(entry.parked), std::nullopt);\n"
        "  }\n",
        {"ledger": "ParkingTest.*"}),
    Mutant(
        "parked_twice", "a redelivery of a parked change is parked again", "engine/commit/decider.cc",
        "  if (c.parked == 0 && c.letter == 0) c.twin = lot_.Find(c.prepared.identity.id);\n",
        "  if (c.parked == 0 && c.letter == 0 && !MUTANT(parked_twice)) c.twin = lot_.Find(c.prepared.identity.id);\n",
        {"ledger": "ParkingTest.*"}),
    Mutant(
        "youngest_parked_first", "parked changes are decided in the wrong order", "engine/commit/decider.cc",
        "    const uint64_t sequence = *due.begin();\n    due.erase(due.begin());\n",
        "    const uint64_t sequence = MUTANT(youngest_parked_first) ? *due.rbegin() : *due.begin();\n"
        "    due.erase(sequence);\n",
        {"ledger": "ParkingTest.*"}),
    Mutant(
        "cascade_stops", "a parked change that is applied wakes no other", "engine/commit/decider.cc",
        "  if (outcome.applied()) AddDue(kept.change, due);\n",
        "  if (outcome.applied() && !MUTANT(cascade_stops)) AddDue(kept.change, due);\n",
        {"ledger": "ParkingTest.R38*"}),
    Mutant(
        "parking_bound_off_by_one", "one change more than the bound is parked", "engine/commit/parking_lot.cc",
        "  if (parked_.size() >= bounds.parking_changes ||",
        "  if (parked_.size() >= bounds.parking_changes + MUTANT(parking_bound_off_by_one) ||",
        {"ledger": "ParkingTest.R39*"}),
    Mutant(
        "letter_retried_twice", "a dead letter that was applied stays", "engine/commit/decider.cc",
        "  entry->letter = c.letter;\n", "  entry->letter = MUTANT(letter_retried_twice) ? 0 : c.letter;\n",
        {"ledger": "DeadLetterTest.R40*"}),
    Mutant(
        "letters_off_by_one", "one letter more than the bound is kept", "engine/commit/decider.cc",
        "  if (records < options_.max_dead_letters &&",
        "  if (records < options_.max_dead_letters + MUTANT(letters_off_by_one) &&",
        {"ledger": "DeadLetterTest.R39*"}),
    Mutant(
        "retired_forgotten_at_reopen", "retired keys are born again after opening", "engine/commit/decider.cc",
        "    retired_.Add(prefix);\n    return absl::OkStatus();\n",
        "    if (!MUTANT(retired_forgotten_at_reopen)) retired_.Add(prefix);\n    return absl::OkStatus();\n",
        {"ledger": "RetireTest.*"}),

    # ---- Committing, checkpoints.
    Mutant(
        "acknowledged_after_a_failed_sync", "a change whose write failed is answered APPLIED",
        "engine/commit/committer.cc",
        "  absl::Status status = parts_.writer->Append(header, bytes);\n",
        "  absl::Status status = parts_.writer->Append(header, bytes);\n"
        "  if (MUTANT(acknowledged_after_a_failed_sync)) status = absl::OkStatus();\n",
        {"ledger": "DurabilityRules.R31*"}),
    Mutant(
        "checkpoint_of_a_poisoned_ledger", "a checkpoint goes on though a frame has failed since it began",
        "engine/commit/committer.cc",
        "    SEMEL_RETURN_IF_ERROR(poison_.Get());  // a frame that failed since",
        "    if (!MUTANT(checkpoint_of_a_poisoned_ledger)) SEMEL_RETURN_IF_ERROR(poison_.Get());  // a frame that failed since",
        {"ledger": "PoisonedCheckpoint.*"}),
    Mutant(
        "poison_forgotten", "after a failed write reads and calls go on", "engine/commit/committer.cc",
        "  if (!status.ok()) return poison_.Set(status);\n  frames_.fetch_add",
        "  if (!status.ok()) return MUTANT(poison_forgotten) ? status : poison_.Set(status);\n  frames_.fetch_add",
        {"ledger": "DurabilityRules.R31*"}),
    Mutant(
        "visible_before_durable", "readers see what a crash may take back", "engine/commit/committer.cc",
        "  if (absl::Status status = MakeDurable(); !status.ok()) {\n    parts_.heads->Discard();\n",
        "  if (MUTANT(visible_before_durable)) parts_.heads->Publish(parts_.writer->tip());\n"
        "  if (absl::Status status = MakeDurable(); !status.ok()) {\n    parts_.heads->Discard();\n",
        {"ledger": "ReadDuringSync.*"}),
    Mutant(
        "failed_frame_not_undone", "what a frame did that could not be written stays in the heads",
        "engine/commit/head_table.cc",
        "void HeadTable::Discard() {\n",
        "void HeadTable::Discard() {\n  if (MUTANT(failed_frame_not_undone)) return;\n",
        {"commit": "*", "ledger": "UndecidedPosition.*"}),
    Mutant(
        "checkpoint_tip_too_old", "the state says that it is older than it is", "engine/commit/committer.cc",
        "    info.options = deciding_options_;\n    info.floor",
        "    if (MUTANT(checkpoint_tip_too_old)) info.tip = now->info().tip;\n"
        "    info.options = deciding_options_;\n    info.floor",
        {"ledger": "EntityRules.*:IdentityRules.R01*"}),
    Mutant(
        "checkpoint_tip_too_new", "heads are frozen before the last frame that the checkpoint names",
        "engine/commit/head_table.cc",
        "  return [this, cursor](Table* table, std::string_view* key, const Head** head) {\n"
        "    if (cursor->next == frozen_.size()) return false;\n",
        "  return [this, cursor](Table* table, std::string_view* key, const Head** head) {\n"
        "    if (cursor->next + MUTANT(checkpoint_tip_too_new) == frozen_.size()) return false;\n",
        {"ledger": "IdentityRules.R01*:EntityRules.*"}),
    Mutant(
        "checkpoint_without_the_floor", "the state forgets how far the ledger was trimmed",
        "engine/commit/committer.cc",
        "    info.floor = parts_.reader->floor();\n",
        "    info.floor = MUTANT(checkpoint_without_the_floor) ? 0 : parts_.reader->floor();\n",
        {"ledger": "TrimRules.R33*"}),
    Mutant(
        "frozen_head_not_copied", "a change during a checkpoint shows in it", "engine/commit/head_table.cc",
        "  if (node->generation != 0) {\n    node->frozen",
        "  if (node->generation != 0 && !MUTANT(frozen_head_not_copied)) {\n    node->frozen",
        {"commit": "*"}),
    Mutant(
        "dirty_while_frozen_forgotten", "what changes during a checkpoint is not in the next one",
        "engine/commit/head_table.cc",
        "  dirty_.push_back(node);\n",
        "  if (node->frozen == nullptr || !MUTANT(dirty_while_frozen_forgotten)) dirty_.push_back(node);\n",
        {"commit": "*"}),
    Mutant(
        "generation_released_too_early", "what changed during a checkpoint counts as stored by it",
        "engine/commit/head_table.cc",
        "      if (node->generation == frozen_generation_) node->generation = 0;\n",
        "      if (node->generation == frozen_generation_ || MUTANT(generation_released_too_early)) node->generation = 0;\n",
        {"commit": "*"}),
    Mutant(
        "dirty_head_evicted", "a head that is not in the state leaves the memory", "engine/commit/head_table.cc",
        "    if (node->generation != 0 || node->referenced) {\n",
        "    if ((node->generation != 0 && !MUTANT(dirty_head_evicted)) || node->referenced) {\n",
        {"commit": "*"}),
    Mutant(
        "records_not_redone", "redo moves the heads and forgets what is held", "engine/commit/redo.cc",
        "  if (changes_.empty()) return absl::OkStatus();\n",
        "  if (changes_.empty() || MUTANT(records_not_redone)) return absl::OkStatus();\n",
        {"ledger": "ParkingTest.R39*:DeadLetterTest.R39*"}),
    Mutant(
        "options_forgotten_at_redo", "options that were changed are as before after a crash", "engine/commit/redo.cc",
        "  if (entry.kind == EntryKind::kOptions) options_ = entry.options;\n",
        "  if (entry.kind == EntryKind::kOptions && !MUTANT(options_forgotten_at_redo)) options_ = entry.options;\n",
        {"ledger": "OpenedLedger.DecidingOptions*"}),

    # ---- The state.
    Mutant(
        "record_unchecked", "a record of the state is believed without its check", "engine/state/stored_record.cc",
        "  if (check != RecordCheck(table, key, stored.substr(kCheckBytes), seed)) {\n",
        "  if (!MUTANT(record_unchecked) && check != RecordCheck(table, key, stored.substr(kCheckBytes), seed)) {\n",
        {"state": "LmdbStoreTest.Open_RefusesADamagedHeader:LmdbCompactTest.OfADamagedRecord*:StateDigest.*"}),
    Mutant(
        "digest_not_updated", "a record that is replaced stays in the digest", "engine/state/stored_record.cc",
        "void RemoveFromDigest(uint64_t check, Hash128* digest) { AddSigned",
        "void RemoveFromDigest(uint64_t check, Hash128* digest) { if (!MUTANT(digest_not_updated)) AddSigned",
        {"state": "*StateStoreTest.Commit_KeepsTheDigest*:StateDigest.*"}),
    Mutant(
        "opened_twice", "one environment is opened twice in one process", "engine/state/lmdb_env.cc",
        "  if (!open->files.insert({device, inode}).second) {\n",
        "  if (!open->files.insert({device, inode}).second && !MUTANT(opened_twice)) {\n",
        {"state": "LmdbStoreTest.Open_ASecondTime*"}),
    Mutant(
        "state_not_poisoned", "after an error LMDB is asked again", "engine/state/lmdb_env.cc",
        "  if (poison_.ok()) poison_ = status;\n  poisoned_.store(true, std::memory_order_release);\n  return poison_;\n",
        "  if (MUTANT(state_not_poisoned)) return status;\n"
        "  if (poison_.ok()) poison_ = status;\n  poisoned_.store(true, std::memory_order_release);\n  return poison_;\n",
        {"state": "LmdbStoreTest.Commit_IntoAFullMap*:LmdbStoreTest.Commit_WithAFailingWrite*"}),

    # ---- Files of the ledger.
    Mutant(
        "lock_not_taken", "two processes write one ledger", "engine/io/posix_file_system.cc",
        "    if (Uninterrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) < 0) {\n",
        "    if (!MUTANT(lock_not_taken) && Uninterrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) < 0) {\n",
        {"io": "*"}),
    Mutant(
        "manifest_not_synced", "the MANIFEST has its name before its bytes are durable", "engine/io/file_system.cc",
        "  SEMEL_RETURN_IF_ERROR(file->Sync());\n  SEMEL_RETURN_IF_ERROR(file_system->Rename(temporary, path));\n",
        "  if (!MUTANT(manifest_not_synced)) SEMEL_RETURN_IF_ERROR(file->Sync());\n"
        "  SEMEL_RETURN_IF_ERROR(file_system->Rename(temporary, path));\n",
        {"ledger": "RestoreCrash.PowerLoss*"}),
    Mutant(
        "manifest_name_not_synced", "a new MANIFEST's name is not made durable", "engine/io/file_system.cc",
        "  SEMEL_RETURN_IF_ERROR(file_system->Rename(temporary, path));\n  return file_system->SyncDirectory(directory);\n",
        "  SEMEL_RETURN_IF_ERROR(file_system->Rename(temporary, path));\n"
        "  return MUTANT(manifest_name_not_synced) ? absl::OkStatus() : file_system->SyncDirectory(directory);\n",
        {"ledger": "RestoreCrash.PowerLoss*"}),
    Mutant(
        "epoch_not_raised", "a restored ledger goes on in the epoch of its backup", "engine/ledger/directory.cc",
        "  next.epoch = std::max(manifest.epoch + 1, epoch);\n",
        "  next.epoch = std::max(manifest.epoch + !MUTANT(epoch_not_raised), epoch);\n",
        {"ledger": "BackupTest.R06*"}),
    Mutant(
        "durable_page_of_another_epoch", "readers follow the durable page of a ledger that stood here before",
        "engine/ledger/durable_page.cc",
        "GetFixed64(page + 8) == epoch) return",
        "(MUTANT(durable_page_of_another_epoch) || GetFixed64(page + 8) == epoch)) return",
        {"ledger": "DurablePageTest.*"}),
    Mutant(
        "half_a_durable_page", "a reader believes a page that is half written", "engine/ledger/durable_page.cc",
        "    const bool whole = GetFixed64(page + kChecksumOffset)",
        "    const bool whole = MUTANT(half_a_durable_page) || GetFixed64(page + kChecksumOffset)",
        {"ledger": "DurablePageTest.*"}),

    # ---- Trimming.
    Mutant(
        "floor_after_deletes", "segments go before the floor says so", "engine/ledger/trim.cc",
        "  SEMEL_RETURN_IF_ERROR(parts_.committer->SetFloor(floor, base));\n",
        "  while (MUTANT(floor_after_deletes) && parts_.journal->oldest_lsn() < floor) {\n"
        "    SEMEL_RETURN_IF_ERROR(parts_.journal->RemoveOldestSegment());\n"
        "  }\n"
        "  SEMEL_RETURN_IF_ERROR(parts_.committer->SetFloor(floor, base));\n",
        {"ledger": "TrimCrash.R33_R34_CrashedAtEveryCall*"}),
    Mutant(
        "base_after_deletes", "segments go before the base snapshot stands", "engine/ledger/trim.cc",
        "  SEMEL_ASSIGN_OR_RETURN(report->base_bytes, WriteBase(",
        "  while (MUTANT(base_after_deletes) && parts_.journal->oldest_lsn() < floor) {\n"
        "    SEMEL_RETURN_IF_ERROR(parts_.journal->RemoveOldestSegment());\n"
        "  }\n"
        "  SEMEL_ASSIGN_OR_RETURN(report->base_bytes, WriteBase(",
        {"ledger": "TrimCrash.R33_R34_CrashedAtEveryCall*"}),
    Mutant(
        "base_without_checkpoint", "the base snapshot is older than the floor", "engine/ledger/trim.cc",
        "  SEMEL_RETURN_IF_ERROR(parts_.committer->Checkpoint());  // not below the floor, which was durable before\n",
        "  if (!MUTANT(base_without_checkpoint)) SEMEL_RETURN_IF_ERROR(parts_.committer->Checkpoint());\n",
        {"ledger": "TrimRules.*:TrimCrash.R33_R34_CrashedAtEveryCall*"}),
    Mutant(
        "trimmed_below_a_pin", "history that a reader or a backup needs is trimmed", "engine/ledger/trim.cc",
        "  SEMEL_ASSIGN_OR_RETURN(std::optional<LowestPin> pin, FindLowestPin(parts_.files, identity_.directory));\n",
        "  if (MUTANT(trimmed_below_a_pin)) return std::nullopt;\n"
        "  SEMEL_ASSIGN_OR_RETURN(std::optional<LowestPin> pin, FindLowestPin(parts_.files, identity_.directory));\n",
        {"ledger": "TrimRules.AReaderOfOldHistory*:BackupBesideATrim.*"}),
    Mutant(
        "floor_forgotten_at_open", "after opening, trimmed history counts as readable",
        "engine/ledger/writable_ledger.cc",
        "  parts_.reader->SetFloor(redo.floor());\n",
        "  if (!MUTANT(floor_forgotten_at_open)) parts_.reader->SetFloor(redo.floor());\n",
        {"ledger": "TrimRules.R33*"}),
    Mutant(
        "verdicts_erased_by_a_trim", "a trim takes the verdicts of refused positions along", "engine/commit/records.cc",
        "  return (code == OutcomeCode::kDuplicate ||",
        "  return (MUTANT(verdicts_erased_by_a_trim) || code == OutcomeCode::kDuplicate ||",
        {"ledger": "*R21*:TrimRules.*Records*"}),

    # ---- Looking after it.
    Mutant(
        "verify_trusts_the_state", "verify does not compare the state with the journal", "engine/ledger/verify.cc",
        "      } else if (Encoded(table, key, stored) != Encoded(table, key, found->second)) {\n",
        "      } else if (!MUTANT(verify_trusts_the_state) &&\n"
        "                 Encoded(table, key, stored) != Encoded(table, key, found->second)) {\n",
        {"ledger": "Rebuild.ABase*:DamagedLedger.*"}),
    Mutant(
        "forged_base_believed", "verify believes a base snapshot that the journal does not vouch for",
        "engine/ledger/verify.cc",
        "    if (entry.base->records != base_.records)\n",
        "    if (!MUTANT(forged_base_believed) && entry.base->records != base_.records)\n",
        {"tamper": "TamperEvidentLedger.AForgedBase*"}),
    Mutant(
        "verify_trusts_balances", "verify does not add the amounts up", "engine/ledger/verify.cc",
        "    return adds_up ? absl::OkStatus()",
        "    return adds_up || MUTANT(verify_trusts_balances) ? absl::OkStatus()",
        {"ledger": "CraftedJournal.*"}),
]
