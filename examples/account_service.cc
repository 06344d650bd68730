// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A ledger embedded in a service that keeps accounts. Transfers are guarded by a document of their own,
// transfer/<id>, which must not exist yet: no account is contended for, whatever the number of callers, and a retry
// of a transfer is recognised for as long as the document is kept.
//
//   account_service [DIRECTORY]      run it twice: the second run changes nothing

#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "semel/ledger.h"

namespace {

class AccountService {
 public:
  explicit AccountService(std::unique_ptr<semel::Ledger> ledger) : ledger_(std::move(ledger)) {}

  // Opens an account that may be overdrawn by so many cents.
  void OpenAccount(const std::string& name, semel::Amount overdraft) {
    semel::Policy policy;
    policy.asset = "EUR";
    policy.min_balance = -overdraft;
    semel::Change change("open-" + name);
    change.AddUpdate("account/" + name).ExpectVersion(0).SetPolicy(policy);
    Decide(change);
  }

  // Moves cents. Call it again with the same id if the reply was lost.
  semel::Outcome Transfer(const std::string& id, const std::string& from, const std::string& to, int64_t cents) {
    semel::Change change(id);
    change.balanced = true;
    change.AddUpdate("transfer/" + id).ExpectVersion(0).Put(from + " to " + to);
    change.AddUpdate("account/" + from).Add(-cents);
    change.AddUpdate("account/" + to).Add(cents);
    return Decide(change);
  }

  semel::Amount Balance(const std::string& name) { return ledger_->Get("account/" + name).value().balance; }

  void PrintStatement(const std::string& name) {
    semel::HistoryOptions newest_three;
    newest_three.limit = 3;
    const auto lines = ledger_->History("account/" + name, newest_three).value();
    for (const semel::HistoryLine& line : lines) {
      std::cout << "  version " << line.version << "  " << line.id << "  " << line.amount << " -> " << line.balance
                << "\n";
    }
  }

 private:
  // An outcome is an answer. Only a ledger that cannot work any more gives a status; value() then throws.
  semel::Outcome Decide(const semel::Change& change) { return ledger_->Apply(change).value(); }

  const std::unique_ptr<semel::Ledger> ledger_;
};

// Sixteen callers at once pay one cent each to the same shop; each call is made twice, as if its reply had been lost.
void PayConcurrently(AccountService* service) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 16; ++caller) {
    callers.emplace_back([service, caller] {
      const std::string id = "cent-" + std::to_string(caller);
      service->Transfer(id, "alice", "shop", 1);
      service->Transfer(id, "alice", "shop", 1);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace

int main(int argc, char** argv) {
  semel::Options options;
  options.create_if_missing = true;
  auto ledger = semel::Ledger::Open(argc > 1 ? argv[1] : "account_service.ledger", options);
  if (!ledger.ok()) {
    std::cerr << ledger.status() << "\n";
    return 1;
  }
  AccountService service(*std::move(ledger));

  service.OpenAccount("employer", 1000000);
  service.OpenAccount("alice", 0);
  service.OpenAccount("shop", 0);
  service.Transfer("salary-11", "employer", "alice", 200000);

  const semel::Outcome paid = service.Transfer("order-77", "alice", "shop", 4999);
  const semel::Outcome retried = service.Transfer("order-77", "alice", "shop", 4999);
  std::cout << "order-77: " << ToString(paid.code) << ", then " << ToString(retried.code) << ", both as entry "
            << retried.sequence << "\n";

  const semel::Outcome overdraft = service.Transfer("yacht", "alice", "shop", 90000000);
  std::cout << "yacht: " << ToString(overdraft.code) << " (" << ToString(overdraft.rule) << ")\n";

  PayConcurrently(&service);
  std::cout << "alice " << service.Balance("alice") << ", shop " << service.Balance("shop") << "\n";
  service.PrintStatement("shop");
  return service.Balance("alice") + service.Balance("shop") == 200000 ? 0 : 1;
}
