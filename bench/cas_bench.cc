// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// How many durable compare-and-sets a second, for batches of 1, 100, 1000 and 8000 changes over 10k, 100k and 1M
// accounts (random, 17-byte keys, 16-byte ids)? Beside the ledger, in the same run and with the same changes:
//
//   bare loop   lookup in a table of the same entities, id hash and fingerprint, encode, check, write and sync of the
//               same bytes into a zero-filled file; no outcomes, no readers, no checkpoint: what the disk and the
//               processor allow
//   lmdb        one LMDB transaction a batch, sorted by key: version compared, record written, synced
//
// Only the applying is timed, not the making of the changes. The time of an iteration is the time of one batch.
// Counters: bytes of journal, and bytes that reached the disk (by whichever process), per change.

#include <fcntl.h>
#include <lmdb.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "bench/workload.h"
#include "benchmark/benchmark.h"
#include "engine/journal/frame.h"
#include "engine/rules/identity.h"

namespace semel::bench {
namespace {

constexpr size_t kLoadBatch = 8000;

// What is measured: something that applies batches durably.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void Apply(const std::vector<Change>& changes) = 0;
  virtual uint64_t JournalBytes() = 0;  // so far; 0: keeps no journal
};

// ---- The ledger

class LedgerEngine final : public Engine {
 public:
  explicit LedgerEngine(const std::string& directory) : ledger_(OpenNewLedger(directory)) {}

  void Apply(const std::vector<Change>& changes) override {
    CheckAll(ledger_->ApplyBatch(changes), OutcomeCode::kApplied);
  }
  uint64_t JournalBytes() override { return ledger_->GetStats()->durable_lsn; }

 private:
  const std::unique_ptr<Ledger> ledger_;
};

// ---- The bare loop

class BareEngine final : public Engine {
 public:
  explicit BareEngine(const std::string& directory) {
    SEMEL_CHECK(mkdir(directory.c_str(), 0700) == 0);
    fd_ = open((directory + "/log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    SEMEL_CHECK(fd_ >= 0);
    const std::string zeros(size_t{1} << 20, '\0');
    for (size_t at = 0; at < kFileBytes; at += zeros.size()) Write(at, zeros);
    SEMEL_CHECK(fsync(fd_) == 0);
  }
  ~BareEngine() override { close(fd_); }

  void Apply(const std::vector<Change>& changes) override {
    frame_.Begin(tip_, 1);
    for (const Change& change : changes) Append(change);
    internal::FrameHeader header;
    const std::string_view bytes = frame_.Finish(&header);
    if (at_ + bytes.size() > kFileBytes) at_ = 0;
    Write(at_, bytes);
    SEMEL_CHECK(fdatasync(fd_) == 0);
    at_ += bytes.size();
    tip_ = internal::TipAfter(header);
  }
  uint64_t JournalBytes() override { return tip_.lsn; }

 private:
  struct Account {
    uint64_t version = 0;
    Amount balance = 0;
    internal::IdTag last_id;
    internal::ChainTop chain;
  };

  void Append(const Change& change) {
    const Update& update = change.updates[0];
    const internal::Identity identity = internal::IdentityOf(change, kSeed);
    Account& account = accounts_[update.key];
    SEMEL_CHECK(account.version == *update.expect_version && !(account.last_id == identity.id));
    internal::Entry entry;
    entry.outcome = OutcomeCode::kApplied;
    entry.id = change.id;
    entry.fingerprint = identity.fingerprint;
    internal::Effect& effect = entry.effects.emplace_back();
    effect.key = update.key;
    effect.version = account.version + 1;
    effect.pointers = account.chain.PointersFor(effect.version);
    effect.action = update.action;
    effect.amount = update.amount;
    effect.balance = account.balance + update.amount;
    frame_.Add(&entry);
    account.version = effect.version;
    account.balance = effect.balance;
    account.last_id = identity.id;
    account.chain.Push(effect.version, entry.lsn);
  }

  void Write(size_t at, std::string_view bytes) const {
    SEMEL_CHECK(pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(bytes.size()));
  }

  static constexpr uint64_t kSeed = 1;
  static constexpr size_t kFileBytes = size_t{64} << 20;

  int fd_ = -1;
  size_t at_ = 0;
  internal::FrameBuilder frame_{kSeed};
  internal::JournalTip tip_;
  absl::flat_hash_map<std::string, Account> accounts_;
};

// ---- LMDB

class LmdbEngine final : public Engine {
 public:
  explicit LmdbEngine(const std::string& directory) {
    SEMEL_CHECK(mkdir(directory.c_str(), 0700) == 0);
    SEMEL_CHECK(mdb_env_create(&env_) == 0);
    SEMEL_CHECK(mdb_env_set_mapsize(env_, size_t{1} << 36) == 0);
    SEMEL_CHECK(mdb_env_open(env_, directory.c_str(), 0, 0600) == 0);
    MDB_txn* txn = nullptr;
    SEMEL_CHECK(mdb_txn_begin(env_, nullptr, 0, &txn) == 0);
    SEMEL_CHECK(mdb_dbi_open(txn, nullptr, 0, &table_) == 0);
    SEMEL_CHECK(mdb_txn_commit(txn) == 0);
  }
  ~LmdbEngine() override { mdb_env_close(env_); }

  void Apply(const std::vector<Change>& changes) override {
    order_.clear();
    for (const Change& change : changes) order_.push_back(&change);
    std::stable_sort(order_.begin(), order_.end(),
                     [](const Change* a, const Change* b) { return a->updates[0].key < b->updates[0].key; });
    MDB_txn* txn = nullptr;
    MDB_cursor* cursor = nullptr;
    SEMEL_CHECK(mdb_txn_begin(env_, nullptr, 0, &txn) == 0);
    SEMEL_CHECK(mdb_cursor_open(txn, table_, &cursor) == 0);
    for (const Change* change : order_) Put(cursor, *change);
    SEMEL_CHECK(mdb_txn_commit(txn) == 0);
  }
  uint64_t JournalBytes() override { return 0; }

 private:
  struct Record {
    uint64_t version;
    char balance[16];
    char id[16];
  };

  static void Put(MDB_cursor* cursor, const Change& change) {
    const Update& update = change.updates[0];
    Record record = {};
    MDB_val key = {update.key.size(), const_cast<char*>(update.key.data())};
    MDB_val data;
    const int rc = mdb_cursor_get(cursor, &key, &data, MDB_SET);
    SEMEL_CHECK(rc == 0 || rc == MDB_NOTFOUND);
    if (rc == 0) std::memcpy(&record, data.mv_data, sizeof record);
    SEMEL_CHECK(record.version == *update.expect_version);
    Amount balance = 0;
    std::memcpy(&balance, record.balance, sizeof balance);
    balance += update.amount;
    std::memcpy(record.balance, &balance, sizeof balance);
    std::memcpy(record.id, change.id.data(), sizeof record.id);
    ++record.version;
    data = {sizeof record, &record};
    SEMEL_CHECK(mdb_cursor_put(cursor, &key, &data, rc == 0 ? MDB_CURRENT : 0) == 0);
  }

  MDB_env* env_ = nullptr;
  MDB_dbi table_ = 0;
  std::vector<const Change*> order_;
};

// ---- The measurement

// An engine with all its accounts, used by one benchmark after another.
struct Loaded {
  Loaded(std::unique_ptr<Engine> new_engine, uint64_t accounts) : engine(std::move(new_engine)), producer(accounts) {
    for (auto batch = producer.NextCreations(kLoadBatch); !batch.empty(); batch = producer.NextCreations(kLoadBatch)) {
      engine->Apply(batch);
    }
  }
  const std::unique_ptr<Engine> engine;
  Producer producer;
};

class Engines {
 public:
  const std::string& directory() const { return scratch_.path(); }

  template <typename Kind>
  Loaded& Get(const std::string& name, uint64_t accounts) {
    std::unique_ptr<Loaded>& loaded = loaded_[{name, accounts}];
    if (loaded == nullptr) {
      const std::string directory = scratch_.path() + "/" + name + "." + std::to_string(accounts);
      loaded = std::make_unique<Loaded>(std::make_unique<Kind>(directory), accounts);
    }
    return *loaded;
  }

 private:
  const ScratchDirectory scratch_;
  std::map<std::pair<std::string, uint64_t>, std::unique_ptr<Loaded>> loaded_;
};

template <typename Kind>
void ApplyBatches(benchmark::State& state, Engines* engines, const std::string& name) {
  Loaded& loaded = engines->Get<Kind>(name, static_cast<uint64_t>(state.range(0)));
  const auto batch_size = static_cast<size_t>(state.range(1));
  const uint64_t journal_before = loaded.engine->JournalBytes();
  const uint64_t written_before = DeviceBytesWritten(engines->directory());
  for (auto _ : state) {
    const std::vector<Change> batch = loaded.producer.NextBatch(batch_size);
    const auto start = std::chrono::steady_clock::now();
    loaded.engine->Apply(batch);
    state.SetIterationTime(SecondsSince(start));
  }
  const auto changes = static_cast<double>(state.iterations()) * static_cast<double>(batch_size);
  state.SetItemsProcessed(static_cast<int64_t>(changes));
  const auto per_change = [&](uint64_t bytes) { return static_cast<double>(bytes) / changes; };
  state.counters["journal_bytes_per_change"] = per_change(loaded.engine->JournalBytes() - journal_before);
  state.counters["disk_bytes_per_change"] = per_change(DeviceBytesWritten(engines->directory()) - written_before);
}

template <typename Kind>
void Register(Engines* engines, const std::string& name) {
  auto* const registered = benchmark::RegisterBenchmark(
      name.c_str(), [engines, name](benchmark::State& state) { ApplyBatches<Kind>(state, engines, name); });
  registered->ArgNames({"accounts", "batch"})->UseManualTime()->Unit(benchmark::kMicrosecond);
  if (Smoke()) {
    registered->ArgsProduct({{1000}, {1, 100}});
  } else {
    registered->ArgsProduct({{10000, 100000, 1000000}, {1, 100, 1000, 8000}});
  }
}

}  // namespace
}  // namespace semel::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  semel::bench::Engines engines;
  semel::bench::Register<semel::bench::LedgerEngine>(&engines, "semel");
  semel::bench::Register<semel::bench::BareEngine>(&engines, "bare_loop");
  semel::bench::Register<semel::bench::LmdbEngine>(&engines, "lmdb");
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
