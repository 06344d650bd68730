// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "tests/linearizability/recorder.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <new>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/checksum.h"
#include "engine/base/status_macros.h"

namespace semel::testing {
namespace {

constexpr size_t kHeaderBytes = 64;

// The last store of a call: what was recorded before it is there if this is.
void StoreLast(uint64_t* place, uint64_t moment) {
  std::atomic_ref<uint64_t>(*place).store(moment, std::memory_order_release);
}

std::string ValueText(int64_t value) { return std::to_string(value); }

uint64_t NumberIn(const std::optional<std::string>& value) {
  return value.has_value() ? std::strtoull(value->c_str(), nullptr, 10) : 0;
}

}  // namespace

// ---- Record

Record::Record(size_t operations) : size_(operations) {
  void* const memory = mmap(nullptr, kHeaderBytes + size_ * sizeof(Operation), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  SEMEL_CHECK(memory != MAP_FAILED);
  shared_ = new (memory) Shared;
  operations_ = reinterpret_cast<Operation*>(static_cast<char*>(memory) + kHeaderBytes);
}

Record::~Record() { munmap(shared_, kHeaderBytes + size_ * sizeof(Operation)); }

Operation* Record::Next() {
  const size_t index = shared_->used.fetch_add(1);
  return index < size_ ? new (operations_ + index) Operation : nullptr;
}

History Record::Take() const {
  History history;
  for (size_t i = 0; i < std::min(size_, shared_->used.load()); ++i) {
    Operation operation = operations_[i];
    if (operation.called == 0) continue;
    if (operation.returned == 0) operation.answer = Operation::Answer::kUnknown;
    history.push_back(operation);
  }
  return history;
}

void Record::Clear() { shared_->used = 0; }

// ---- Caller

std::string AccountKey(const std::string& prefix, int account) { return absl::StrCat(prefix, "/", account); }

std::string ChangeId(const std::string& prefix, uint64_t called) { return absl::StrCat(prefix, "/", called); }

void Caller::Begin(const std::string& prefix, int accounts) {
  prefix_ = prefix;
  known_.assign(static_cast<size_t>(accounts), 0);
}

bool Caller::DoOne() {
  Operation* const operation = record_->Next();
  if (operation == nullptr) return false;
  Choose(operation);
  StoreLast(&operation->called, record_->Now());
  if (random_.OneIn(3)) std::this_thread::yield();  // or few calls overlap where cores are few
  failure_ = operation->kind == Operation::Kind::kRead ? Read(operation) : Write(operation);
  if (!failure_.ok()) return false;
  StoreLast(&operation->returned, record_->Now());
  for (int t = 0; t < operation->touches; ++t) {
    known_[static_cast<size_t>(operation->touch[t].account)] = operation->touch[t].seen.version;
  }
  return true;
}

void Caller::Choose(Operation* operation) {
  const auto accounts = static_cast<int>(known_.size());
  const int first = static_cast<int>(random_.Below(known_.size()));
  const uint64_t pick = random_.Below(12);
  operation->touches = 1;
  if (pick < 2) {
    operation->kind = Operation::Kind::kAdd;
  } else if (pick < 3) {
    operation->kind = Operation::Kind::kSet;
  } else if (pick < 6) {
    operation->kind = Operation::Kind::kMove;
    operation->touches = accounts > 1 && pick > 3 ? 2 : 1;
  } else {
    operation->touches = static_cast<int>(random_.Between(1, static_cast<uint64_t>(std::min(accounts, kTouchesMax))));
  }
  for (int t = 0; t < operation->touches; ++t) {
    operation->touch[t].account = (first + t) % accounts;
    operation->touch[t].operand = static_cast<int64_t>(random_.Between(1, 1000));
  }
  if (operation->kind == Operation::Kind::kMove && operation->touches == 2) {
    operation->touch[1].operand = -operation->touch[0].operand;
  }
  operation->expected = known_[static_cast<size_t>(first)];
}

absl::Status Caller::Read(Operation* operation) {
  std::vector<std::string> keys;
  for (int t = 0; t < operation->touches; ++t) keys.push_back(AccountKey(prefix_, operation->touch[t].account));
  SEMEL_ASSIGN_OR_RETURN(const ManyEntities many, ledger_->GetMany(keys));
  for (int t = 0; t < operation->touches; ++t) {
    const Entity& entity = many.entities[static_cast<size_t>(t)];
    operation->touch[t].seen = {entity.version, static_cast<int64_t>(entity.balance), NumberIn(entity.value)};
  }
  operation->answer = Operation::Answer::kShown;
  return absl::OkStatus();
}

absl::Status Caller::Write(Operation* operation) {
  SEMEL_ASSIGN_OR_RETURN(const Outcome outcome, ledger_->Apply(ChangeOf(*operation)));
  if (!outcome.applied() && outcome.code != OutcomeCode::kConflict) {
    return absl::InternalError(absl::StrCat("answered ", static_cast<int>(outcome.code), ": ", outcome.reason));
  }
  for (int t = 0; t < operation->touches; ++t) {
    const UpdateResult& result = outcome.updates[static_cast<size_t>(t)];
    operation->touch[t].seen = {result.version, static_cast<int64_t>(result.balance), 0};
  }
  operation->answer = outcome.applied() ? Operation::Answer::kApplied : Operation::Answer::kConflict;
  return absl::OkStatus();
}

// The moment of the call makes the id, and the position that anchors what has no expected version.
Change Caller::ChangeOf(const Operation& operation) const {
  Change change(ChangeId(prefix_, operation.called));
  for (int t = 0; t < operation.touches; ++t) {
    Update& update = change.AddUpdate(AccountKey(prefix_, operation.touch[t].account));
    if (operation.kind != Operation::Kind::kMove) update.ExpectVersion(operation.expected);
    if (operation.kind == Operation::Kind::kSet) {
      update.Put(ValueText(operation.touch[t].operand));
    } else {
      update.Add(operation.touch[t].operand);
    }
  }
  if (operation.kind == Operation::Kind::kMove) {
    change.source.emplace();
    change.source->name = source_;
    change.source->position = operation.called;
    change.balanced = operation.touches > 1;
  }
  return change;
}

absl::Status RecordAll(Ledger* ledger, Record* record, const std::string& prefix, int accounts, int callers,
                       uint64_t seed) {
  std::vector<absl::Status> failures(static_cast<size_t>(callers));
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back([&, i] {
      Caller caller(ledger, record, i, internal::MixSeed(seed, static_cast<uint64_t>(i)));
      caller.Begin(prefix, accounts);
      while (caller.DoOne()) {
      }
      failures[static_cast<size_t>(i)] = caller.failure();
    });
  }
  absl::Status status;
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& failure : failures) status.Update(failure);
  return status;
}

// ---- Resolve

History Resolve(History history, Ledger* ledger, const std::string& prefix, int accounts) {
  std::map<std::pair<std::string, int>, AccountState> made;
  for (int account = 0; account < accounts; ++account) {
    const auto lines = ledger->History(AccountKey(prefix, account), {.limit = 0});
    SEMEL_CHECK(lines.ok());
    for (const HistoryLine& line : *lines) {
      made[{line.id, account}] = {line.version, static_cast<int64_t>(line.balance), 0};
    }
  }
  History resolved;
  for (Operation& operation : history) {
    if (operation.answer == Operation::Answer::kUnknown) {
      if (made.count({ChangeId(prefix, operation.called), operation.touch[0].account}) == 0) continue;
      operation.answer = Operation::Answer::kApplied;
      for (int t = 0; t < operation.touches; ++t) {
        operation.touch[t].seen = made[{ChangeId(prefix, operation.called), operation.touch[t].account}];
      }
    }
    resolved.push_back(operation);
  }
  return resolved;
}

}  // namespace semel::testing
