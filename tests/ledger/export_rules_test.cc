// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Rule R36 for exports: what is imported is the ledger without its history, as after a trim of everything.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/ledger/import.h"
#include "tests/ledger/ledger_testing.h"
#include "tests/ledger/sim_world.h"
#include "tests/ledger/story.h"
#include "tests/model/random_changes.h"
#include "tests/model/reference_model.h"
#include "tests/sim/random.h"

namespace semel::testing {
namespace {

std::string ExportOf(Ledger* ledger, ExportFormat format) {
  std::string bytes;
  const auto records = ledger->Export(format, [&](std::string_view piece) {
    bytes += piece;
    return absl::OkStatus();
  });
  EXPECT_TRUE(records.ok()) << records.status();
  return bytes;
}

// Gives `bytes` piece by piece.
std::function<absl::StatusOr<std::string>()> PiecesOf(const std::string& bytes, size_t piece_bytes) {
  return [&bytes, piece_bytes, at = size_t{0}]() mutable -> absl::StatusOr<std::string> {
    const std::string piece = bytes.substr(std::min(at, bytes.size()), piece_bytes);
    at += piece.size();
    return piece;
  };
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// Without the header, which names the epoch, and the trailer, which adds it up.
std::vector<std::string> RecordsOf(Ledger* ledger) {
  std::vector<std::string> lines = LinesOf(ExportOf(ledger, ExportFormat::kJsonLines));
  EXPECT_GE(lines.size(), 2u);
  return {lines.begin() + 1, lines.end() - 1};
}

class ExportTest : public LedgerTest {
 protected:
  std::string imported() const { return directory_.path() + "/imported"; }

  absl::Status ImportStatus(const std::string& bytes, ExportFormat format = ExportFormat::kJsonLines) {
    return ImportLedger(imported(), format, PiecesOf(bytes, 1000)).status();
  }

  std::unique_ptr<Ledger> Import(const std::string& bytes, ExportFormat format, const std::string& to) {
    const auto report = ImportLedger(to, format, PiecesOf(bytes, 1000));
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) return nullptr;
    auto ledger = Ledger::Open(to, options_);
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    if (!ledger.ok()) return nullptr;
    const auto verified = (*ledger)->Verify();
    EXPECT_TRUE(verified.ok() && verified->ok()) << (verified.ok() ? verified->fault : verified.status().ToString());
    const Stats stats = *(*ledger)->GetStats();
    EXPECT_EQ(stats.epoch, report->epoch);
    EXPECT_EQ(stats.durable_lsn, report->lsn);
    EXPECT_EQ(stats.floor_lsn, report->lsn);
    return *std::move(ledger);
  }
  // A refused import leaves nothing behind.
  void ExpectRefused(const std::string& bytes, ExportFormat format, const std::string& what) {
    const absl::Status status = ImportStatus(bytes, format);
    EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsInvalidArgument(status)) << what << ": " << status;
    EXPECT_TRUE(!std::filesystem::exists(imported()) || std::filesystem::is_empty(imported())) << what;
  }
};

class ExportFormatTest : public ExportTest, public ::testing::WithParamInterface<ExportFormat> {};

INSTANTIATE_TEST_SUITE_P(Both, ExportFormatTest, ::testing::Values(ExportFormat::kJsonLines, ExportFormat::kProto),
                         [](const auto& format) {
                           return format.param == ExportFormat::kProto ? "Proto" : "JsonLines";
                         });

TEST_P(ExportFormatTest, R36_ImportCarriesAllButTheHistory) {
  std::vector<Change> sent = TellStory(ledger_.get(), "1");
  const std::string bytes = ExportOf(ledger_.get(), GetParam());
  const auto imported = Import(bytes, GetParam(), this->imported());
  ASSERT_NE(imported, nullptr);
  EXPECT_EQ(imported->GetStats()->uuid, ledger_->GetStats()->uuid);
  EXPECT_EQ(imported->GetStats()->epoch, 2u);
  EXPECT_EQ(imported->GetStats()->sequence, Sequence());
  EXPECT_EQ(imported->GetStats()->durable_lsn, ledger_->GetStats()->durable_lsn);
  EXPECT_EQ(ShowHeads(imported.get()), ShowHeads(ledger_.get()));
  EXPECT_TRUE(ShowJournal(imported.get()).empty());
  EXPECT_EQ(RecordsOf(imported.get()), RecordsOf(ledger_.get()));
  EXPECT_EQ(imported->AnswerableSince("account/1")->since_version, Version("account/1") - 1)
      << "the newest is in the head";

  // It goes on, and its parked changes are decided when their time has come.
  ASSERT_TRUE(imported->Apply(AddAt("first", "waits/1", 0, 1))->applied());
  ASSERT_TRUE(imported->Apply(AddAt("second", "waits/1", 1, 1))->applied());
  EXPECT_EQ(imported->Get("waits/1")->version, 4u);
  TellStory(imported.get(), "2");
  EXPECT_EQ(imported->Verify()->fault, "");
  ASSERT_TRUE(imported->Close().ok());
  EXPECT_TRUE(RebuildLedger(this->imported()).ok());
}

TEST_P(ExportFormatTest, R36_TheNewestChangeOfEveryEntityIsRecognised_AndNoneIsAppliedAgain) {
  const std::vector<Change> sent = TellStory(ledger_.get(), "1");
  const auto imported = Import(ExportOf(ledger_.get(), GetParam()), GetParam(), this->imported());
  ASSERT_NE(imported, nullptr);
  std::map<std::string, size_t> newest;  // change of each entity
  std::vector<Outcome> before;
  for (size_t i = 0; i < sent.size(); ++i) {
    before.push_back(*ledger_->Apply(sent[i]));
    if (before[i].code != OutcomeCode::kDuplicate) continue;
    for (const Update& update : sent[i].updates) newest[update.key] = i;
  }
  std::set<size_t> recognised;
  for (const auto& [key, i] : newest) {
    if (key.substr(0, 7) != "period-") recognised.insert(i);  // which is retired
  }
  EXPECT_GT(recognised.size(), 5u);
  for (size_t i = 0; i < sent.size(); ++i) {
    const auto outcome = imported->Apply(sent[i]);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_NE(outcome->code, OutcomeCode::kApplied) << ToJson(sent[i], *outcome);
    const bool by_source = sent[i].source.has_value();  // what was refused or parked is known, the rest is consumed
    if (recognised.count(i) == 0 && !by_source) continue;
    EXPECT_EQ(outcome->code, before[i].code) << ToJson(sent[i], *outcome);
  }
}

// The reference model, trimmed of everything, says what an imported ledger answers.
TEST_P(ExportFormatTest, R36_RandomLedgers_GoOnAsAfterATrimOfEverything) {
  Random random(TestSeed());
  uint64_t answers[kOutcomeCodeCount] = {};
  for (int run = 0; run < 12; ++run) {
    const std::string path = directory_.path() + "/run-" + std::to_string(run);
    Options options = options_;
    options.parking = run % 2 == 0;
    options.balance_lookback = 4;
    ModelOptions model_options;
    model_options.park_max = *options.parking ? 1'000 : 0;
    model_options.balance_lookback = 4;
    ReferenceModel model(model_options);
    RandomChanges changes(random.Next(), {.wide = true});
    auto ledger = *Ledger::Open(path, options);
    const auto apply = [&](int count) {
      for (int i = 0; i < count; ++i) {
        const Change change = changes.Next(model);
        const Outcome wanted = model.Apply(change);
        const auto outcome = ledger->Apply(change);
        ASSERT_TRUE(outcome.ok()) << outcome.status();
        ASSERT_EQ(ToString(outcome->code), ToString(wanted.code)) << ToJson(change) << "\n" << outcome->reason;
        ++answers[static_cast<size_t>(outcome->code)];
      }
    };
    for (int generation = 0; generation < 4; ++generation) {
      apply(150);
      if (HasFatalFailure()) return;
      const std::vector<std::string> records = RecordsOf(ledger.get());
      const std::string next = path + "-" + std::to_string(generation);
      const std::string bytes = ExportOf(ledger.get(), GetParam());
      ASSERT_TRUE(ImportLedger(next, GetParam(), PiecesOf(bytes, 777)).ok());
      ASSERT_TRUE(ledger->Close().ok());
      ledger = *Ledger::Open(next, options);
      ASSERT_EQ(RecordsOf(ledger.get()), records);
      ASSERT_EQ(ledger->GetStats()->epoch, static_cast<uint64_t>(generation) + 2);
      model.Trim(model.sequence());
      model.Reopen();
    }
    apply(150);
    if (HasFatalFailure()) return;
    ASSERT_EQ(ledger->Verify()->fault, "");
  }
  EXPECT_GT(answers[static_cast<size_t>(OutcomeCode::kIndeterminate)], 100u);
  EXPECT_GT(answers[static_cast<size_t>(OutcomeCode::kDuplicate)], 100u);
  EXPECT_GT(answers[static_cast<size_t>(OutcomeCode::kApplied)], 100u);
}

TEST_P(ExportFormatTest, AnEmptyLedger) {
  const auto imported = Import(ExportOf(ledger_.get(), GetParam()), GetParam(), this->imported());
  ASSERT_NE(imported, nullptr);
  EXPECT_TRUE(ShowHeads(imported.get()).empty());
  EXPECT_TRUE(imported->Apply(AddAt("T-1", "a", 0, 1))->applied());
}

TEST_P(ExportFormatTest, CutShortOrDamaged_IsRefusedAndLeavesNothing) {
  TellStory(ledger_.get(), "1");
  const std::string whole = ExportOf(ledger_.get(), GetParam());
  Random random(TestSeed());
  for (int i = 0; i < 60; ++i) {
    const size_t cut = i == 0 ? whole.size() - 1 : random.Below(whole.size());
    ExpectRefused(whole.substr(0, cut), GetParam(), "cut at " + std::to_string(cut));
    std::string damaged = whole;
    const size_t at = random.Below(whole.size());
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.Below(8)));
    ExpectRefused(damaged, GetParam(), "damaged at " + std::to_string(at));
  }
  ExpectRefused(whole + whole, GetParam(), "twice");
  ExpectRefused(whole + "\n", GetParam(), "something behind it");
  ExpectRefused("", GetParam(), "nothing");
  EXPECT_NE(Import(whole, GetParam(), imported()), nullptr);
}

TEST_F(ExportTest, BothFormsSayTheSame) {
  TellStory(ledger_.get(), "1");
  const auto from_json =
      Import(ExportOf(ledger_.get(), ExportFormat::kJsonLines), ExportFormat::kJsonLines, imported());
  const auto from_proto =
      Import(ExportOf(ledger_.get(), ExportFormat::kProto), ExportFormat::kProto, imported() + "-proto");
  ASSERT_TRUE(from_json != nullptr && from_proto != nullptr);
  EXPECT_EQ(ExportOf(from_json.get(), ExportFormat::kProto), ExportOf(from_proto.get(), ExportFormat::kProto));
  EXPECT_EQ(ExportOf(from_json.get(), ExportFormat::kJsonLines), ExportOf(from_proto.get(), ExportFormat::kJsonLines));
}

TEST_F(ExportTest, AReadOnlyLedger_ExportsWhatIsDurableBeyondTheCheckpoint) {
  TellStory(ledger_.get(), "1");
  ASSERT_TRUE(ledger_->Checkpoint().ok());
  TellStory(ledger_.get(), "2");
  Do(AddAt("later", "account/1", Version("account/1"), 1));
  Do(At(AddAt("refused", "account/1", 1, 1), "new", 1));
  Do(PutAt("new", "zzz", 0, "x"));
  ledger_.reset();  // no checkpoint
  std::string from_reader;
  {
    auto reader = Ledger::OpenReadOnly(path());
    ASSERT_TRUE(reader.ok()) << reader.status();
    ASSERT_LT((*reader)->GetStats()->checkpoint_lsn, (*reader)->GetStats()->durable_lsn);
    from_reader = ExportOf(reader->get(), ExportFormat::kJsonLines);
  }
  Open();
  EXPECT_EQ(LinesOf(from_reader), LinesOf(ExportOf(ledger_.get(), ExportFormat::kJsonLines)));
}

TEST_F(ExportTest, LinesArePlainToRead) {
  ASSERT_EQ(Say(AddAt("T-1", "account/alice", 0, 12)), "APPLIED");
  ASSERT_EQ(Say(PutAt("T-2", std::string("\xff\x00", 2), 0, "v")), "APPLIED");
  ASSERT_EQ(Say(PutAt("T-3", "base64:", 0, "v")), "APPLIED");
  const std::vector<std::string> lines = RecordsOf(ledger_.get());
  ASSERT_EQ(lines.size(), 3u);
  const std::string alice =
      R"({"entity":{"key":"account/alice","version":"1","balance":"12","last":{"id_kind":3,"id":"VC0x",)";
  EXPECT_EQ(lines[0].substr(0, alice.size()), alice);
  EXPECT_NE(lines[1].find(R"("key":"base64:YmFzZTY0Og==")"), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find(R"("key":"base64:/wA=")"), std::string::npos) << lines[2];
}

TEST_F(ExportTest, ParkedChangesAndLettersWithAnyBytesAndAnySize) {
  const std::string odd("k\xfe\x00", 3);
  auto parked = ledger_->Apply(AddAt(std::string("id\xff", 3), odd, 3, 1), {.park = true});
  ASSERT_EQ(parked->code, OutcomeCode::kParked);
  Change huge("huge");
  huge.AddUpdate("x").ExpectVersion(0).Put(std::string(kMaxValueBytes + 1, 'x'));
  ASSERT_EQ(Say(At(huge, "s", 1)), "INVALID");
  SourcePosition position;
  position.name = "s";
  position.position = 2;
  ASSERT_EQ(Say(Change::Undecodable(position, "\x01\xff{", "no JSON")), "INVALID");
  for (const ExportFormat format : {ExportFormat::kJsonLines, ExportFormat::kProto}) {
    const std::string to = imported() + (format == ExportFormat::kProto ? "-proto" : "");
    const auto imported = Import(ExportOf(ledger_.get(), format), format, to);
    ASSERT_NE(imported, nullptr);
    EXPECT_EQ(ShowHeads(imported.get()), ShowHeads(ledger_.get()));
    EXPECT_EQ((*imported->ListParked())[0].change.updates[0].key, odd);
  }
}

TEST_F(ExportTest, TheDecidingOptionsAreThoseThatWereSetLast) {
  ASSERT_TRUE(ledger_->Close().ok());
  options_.explicit_entities = true;
  Open();
  const std::string bytes = ExportOf(ledger_.get(), ExportFormat::kJsonLines);
  options_.explicit_entities.reset();
  const auto imported = Import(bytes, ExportFormat::kJsonLines, this->imported());
  ASSERT_NE(imported, nullptr);
  EXPECT_EQ(imported->Apply(AddFrom("T-1", "s", 1, "none", 1))->rule, Rule::kNoSuchEntity);
}

// What is known of every position that cannot be looked up is not written for each.
TEST_F(ExportTest, PositionsThatAreSettledAreLeftOut) {
  const auto positions = [this] {
    const std::vector<std::string> lines = RecordsOf(ledger_.get());
    return std::count_if(lines.begin(), lines.end(),
                         [](const std::string& line) { return line.find(R"({"position")") == 0; });
  };
  ASSERT_EQ(Say(At(AddAt("T-1", "a", 7, 1), "s", 1)), "EARLY");
  auto parked = ledger_->Apply(At(AddAt("T-1", "a", 1, 1), "s", 1), {.park = true});
  ASSERT_EQ(parked->code, OutcomeCode::kParked);
  EXPECT_EQ(positions(), 1);
  ASSERT_EQ(Say(AddAt("T-0", "a", 0, 1)), "APPLIED");
  ASSERT_EQ(Version("a"), 2u) << "the parked change was applied";
  EXPECT_EQ(positions(), 0);
  const auto imported = Import(ExportOf(ledger_.get(), ExportFormat::kProto), ExportFormat::kProto, this->imported());
  ASSERT_NE(imported, nullptr);
  EXPECT_EQ(imported->Apply(At(AddAt("T-1", "a", 1, 1), "s", 1))->code, OutcomeCode::kDuplicate);
}

TEST_F(ExportTest, Refused_WhereALedgerIsOrSomethingElse) {
  TellStory(ledger_.get(), "1");
  const std::string bytes = ExportOf(ledger_.get(), ExportFormat::kJsonLines);
  EXPECT_TRUE(absl::IsAlreadyExists(ImportLedger(path(), ExportFormat::kJsonLines, PiecesOf(bytes, 1000)).status()));
  std::filesystem::create_directories(imported() + "/something");
  EXPECT_TRUE(absl::IsFailedPrecondition(ImportStatus(bytes)));
  EXPECT_TRUE(std::filesystem::exists(imported() + "/something"));
}

TEST_F(ExportTest, ErrorsOfTheCallerAreHandedOn) {
  TellStory(ledger_.get(), "1");
  const auto full = [](std::string_view) { return absl::ResourceExhaustedError("full"); };
  EXPECT_TRUE(absl::IsResourceExhausted(ledger_->Export(ExportFormat::kProto, full).status()));
  const auto broken = []() -> absl::StatusOr<std::string> { return absl::UnavailableError("pipe"); };
  EXPECT_TRUE(absl::IsUnavailable(ImportLedger(imported(), ExportFormat::kProto, broken).status()));
  EXPECT_EQ(Say(AddAt("after", "after", 0, 1)), "APPLIED");
}

// The member of a header, as it stands there.
std::string HeaderLsn(const std::string& header) {
  const size_t at = header.find(R"("lsn":")");
  return header.substr(at, header.find('"', at + 7) + 1 - at);
}

// Records that no ledger would have written, each named by its number.
TEST_F(ExportTest, MalformedRecords_AreNamed) {
  ASSERT_EQ(Say(AddAt("T-1", "a", 0, 12)), "APPLIED");
  ASSERT_EQ(Say(AddAt("T-2", "b", 0, 12)), "APPLIED");
  const std::vector<std::string> lines = LinesOf(ExportOf(ledger_.get(), ExportFormat::kJsonLines));
  ASSERT_EQ(lines.size(), 4u);
  struct Case {
    const char* what;
    std::vector<std::string> lines;
    const char* number;
  };
  const auto with = [&](size_t line, const std::string& from, const std::string& to) {
    std::string changed = lines[line];
    const size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from << " in " << changed;
    changed.replace(at, from.size(), to);
    std::vector<std::string> all = lines;
    all[line] = changed;
    return all;
  };
  const Case cases[] = {
      {"no header", {lines[1], lines[2], lines[3]}, "record 1:"},
      {"no records, no trailer", {lines[0]}, "record 2:"},
      {"a second header", {lines[0], lines[0], lines[1], lines[2], lines[3]}, "record 2:"},
      {"twice", {lines[0], lines[1], lines[1], lines[3]}, "record 3:"},
      {"out of order", {lines[0], lines[2], lines[1], lines[3]}, "record 3:"},
      {"one missing", {lines[0], lines[1], lines[3]}, "record 3:"},
      {"not JSON", {lines[0], "x", lines[2], lines[3]}, "record 2:"},
      {"an empty line", {lines[0], "", lines[2], lines[3]}, "record 2:"},
      {"an unknown member", with(1, R"({"entity":{)", R"({"entity":{"colour":"red",)"), "record 2:"},
      {"another format", with(0, R"("format":1)", R"("format":2)"), "record 1:"},
      {"a sequence beyond its LSN", with(0, R"("next_sequence":"3")", R"("next_sequence":"300000000")"), "record 1:"},
      {"a bad uuid", with(0, R"("uuid":")", R"("uuid":"z)"), "record 1:"},
      {"version 0", with(1, R"("version":"1")", R"("version":"0")"), "record 2:"},
      {"a version beyond its entries", with(1, R"("version":"1")", R"("version":"99")"), "record 2:"},
      {"no number", with(1, R"("balance":"12")", R"("balance":"twelve")"), "record 2:"},
      {"an amount beyond 128 bits",
       with(1, R"("balance":"12")", R"("balance":"9999999999999999999999999999999999999999")"), "record 2:"},
      {"an address beyond the header's", with(0, R"("lsn":")", R"("lsn":"1","x":")"), "record 1:"},
      {"an entry behind the header's LSN", with(0, HeaderLsn(lines[0]), R"("lsn":"70")"), "record 3:"},
      {"another count", with(3, R"("records":"3")", R"("records":"4")"), "record 4:"},
      {"a wrong kind of id", with(1, R"("id_kind":3)", R"("id_kind":17)"), "record 2:"},
      {"an id of another size", with(1, R"("id_kind":3)", R"("id_kind":4)"), "record 2:"},
      {"a short fingerprint", with(1, R"("fingerprint":")", R"("fingerprint":"AAAA","id":")"), "record 2:"},
      {"levels that lead nowhere", with(1, R"("levels":[")", R"("levels":["1","1)"), "record 2:"},
      {"another balance", with(1, R"("balance":"12")", R"("balance":"13")"), "record 4:"},
  };
  for (const Case& one : cases) {
    std::string bytes;
    for (const std::string& line : one.lines) bytes += line + "\n";
    const absl::Status status = ImportStatus(bytes);
    EXPECT_TRUE(absl::IsInvalidArgument(status) || absl::IsDataLoss(status)) << one.what << ": " << status;
    EXPECT_EQ(std::string(status.message()).substr(0, std::string(one.number).size()), one.number)
        << one.what << ": " << status;
    EXPECT_TRUE(!std::filesystem::exists(imported()) || std::filesystem::is_empty(imported())) << one.what;
  }
}

// ---- On the simulator: an import that ends at any call leaves no ledger, or a whole one.

TEST(ImportCrash, AtAnyCall_ThereIsAWholeLedgerOrNone) {
  const uint64_t seed = TestSeed();
  SimDisk source;
  auto ledger = OpenSim(&source);
  ASSERT_TRUE(ledger.ok());
  TellStory(ledger->get(), "1");
  const std::string bytes = ExportOf(ledger->get(), ExportFormat::kProto);
  const std::vector<std::string> shown = ShowHeads(ledger->get());
  const auto import_to = [&](SimDisk* disk) {
    return internal::ImportRecords(MakeSimWorld(disk), "/imported", ExportFormat::kProto, PiecesOf(bytes, 1000));
  };
  const auto open = [](SimDisk* disk) { return internal::OpenForWriting("/imported", {}, MakeSimWorld(disk)); };
  SimDisk calm;
  ASSERT_TRUE(import_to(&calm).ok());
  const uint64_t calls = calm.files.calls();
  int whole = 0;
  for (uint64_t cut = 0; cut < calls * 4; ++cut) {
    SCOPED_TRACE("cut in call " + std::to_string(cut / 4 + 1));
    SimDisk disk;
    disk.files.InjectFault(cut / 4 + 1, Fault::kCrash);
    EXPECT_FALSE(import_to(&disk).ok());
    cut % 2 == 0 ? disk.files.Crash(seed + cut) : disk.files.Kill(seed + cut);
    auto opened = open(&disk);
    whole += opened.ok();
    if (!opened.ok()) {
      EXPECT_TRUE(absl::IsNotFound(opened.status())) << opened.status();
      ASSERT_TRUE(import_to(&disk).ok());
      opened = open(&disk);
    }
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(ShowHeads(opened->get()), shown);
    EXPECT_EQ((*opened)->Verify()->fault, "");
  }
  EXPECT_GT(whole, 0);
}

TEST(ImportCrash, DiskFullAtAnyCall_LeavesNothing) {
  SimDisk source;
  auto ledger = OpenSim(&source);
  ASSERT_TRUE(ledger.ok());
  TellStory(ledger->get(), "1");
  const std::string bytes = ExportOf(ledger->get(), ExportFormat::kProto);
  for (uint64_t call = 1;; ++call) {
    SimDisk disk;
    disk.files.InjectFault(call, Fault::kNoSpace);
    const absl::Status status =
        internal::ImportRecords(MakeSimWorld(&disk), "/imported", ExportFormat::kProto, PiecesOf(bytes, 1000)).status();
    if (status.ok()) break;
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    const auto left = disk.files.List("/imported");
    EXPECT_TRUE(absl::IsNotFound(left.status()) || left->empty()) << "call " << call;
    ASSERT_LT(call, 1000u);
  }
}

}  // namespace
}  // namespace semel::testing
