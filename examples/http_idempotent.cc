// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// An HTTP-style handler that is idempotent by the request's Idempotency-Key. There is no table of seen keys to fill
// and to clean: the payment's own document is the proof, and the answer of a retry is made of the original result.
//
//   http_idempotent [DIRECTORY]

#include <iostream>
#include <sstream>
#include <string>

#include "semel/ledger.h"

namespace {

struct Request {
  std::string idempotency_key;  // minted by the client, once for each payment
  std::string account;          // whose client it is, as it was authenticated
  int64_t cents = 0;
};

struct Response {
  int status = 0;
  std::string body;
};

// POST /payments
class PaymentHandler {
 public:
  explicit PaymentHandler(semel::Ledger* ledger) : ledger_(ledger) {}

  Response Post(const Request& request) {
    if (request.cents <= 0) return {400, "a payment has a positive amount"};  // the ledger adds what it is told to
    const auto outcome = ledger_->Apply(ToChange(request));
    // The ledger cannot tell whether the payment was made; the client may ask again with the same key.
    if (!outcome.ok()) return {503, "try again with the same key"};
    return ToResponse(*outcome);
  }

 private:
  // The document's key has the account in it: the keys of one client are nothing to another.
  static semel::Change ToChange(const Request& request) {
    semel::Change change(request.idempotency_key);
    change.balanced = true;
    change.AddUpdate("payment/" + request.account + "/" + request.idempotency_key).ExpectVersion(0).Put("made");
    change.AddUpdate("account/" + request.account).Add(-request.cents, "EUR");
    change.AddUpdate("bank/payments").Add(request.cents, "EUR");
    return change;
  }

  static Response ToResponse(const semel::Outcome& outcome) {
    switch (outcome.code) {
      case semel::OutcomeCode::kApplied:
      case semel::OutcomeCode::kDuplicate: {
        std::ostringstream body;
        body << "payment " << outcome.sequence << " made, balance " << outcome.updates[1].balance;
        return {200, body.str()};
      }
      case semel::OutcomeCode::kIdReused:
        return {422, "this key was used for another payment"};
      case semel::OutcomeCode::kRejected:
        return {402, outcome.reason};
      case semel::OutcomeCode::kInvalid:
        return {400, outcome.reason};
      default:
        return {409, outcome.reason};
    }
  }

  semel::Ledger* const ledger_;
};

// A client behind a bad line: the first two replies are lost on the way back, so it asks three times. Returns whether
// the reply was the same each time, with this status.
bool PostOverBadLine(PaymentHandler* handler, const Request& request, int status) {
  const Response first = handler->Post(request);
  const Response second = handler->Post(request);
  const Response third = handler->Post(request);
  const bool same = first.status == third.status && first.body == third.body && second.body == third.body;
  std::cout << request.idempotency_key << ": " << third.status << " " << third.body
            << (same ? " (the same reply three times)" : " (REPLIES DIFFER)") << "\n";
  return same && third.status == status;
}

// Accounts in euros that cannot be overdrawn; alice has 50.00.
void OpenAccounts(semel::Ledger* ledger) {
  for (const char* account : {"account/alice", "account/bob", "bank/payments"}) {
    semel::Policy policy;
    policy.asset = "EUR";
    policy.min_balance = 0;
    semel::Change open(std::string("open-") + account);
    open.AddUpdate(account).ExpectVersion(0).SetPolicy(policy);
    ledger->Apply(open).value();
  }
  semel::Change deposit("deposit-1");
  deposit.AddUpdate("account/alice").ExpectVersion(1).Add(5000, "EUR");
  ledger->Apply(deposit).value();
}

}  // namespace

int main(int argc, char** argv) {
  semel::Options options;
  options.create_if_missing = true;
  auto ledger = semel::Ledger::Open(argc > 1 ? argv[1] : "http_idempotent.ledger", options);
  if (!ledger.ok()) {
    std::cerr << ledger.status() << "\n";
    return 1;
  }
  OpenAccounts(ledger->get());
  PaymentHandler handler(ledger->get());

  bool good = PostOverBadLine(&handler, {"7f0c-1", "alice", 1250}, 200);
  good &= PostOverBadLine(&handler, {"7f0c-2", "alice", 400}, 200);
  good &= PostOverBadLine(&handler, {"7f0c-1", "alice", 9900}, 422);  // another payment under a used key
  good &= PostOverBadLine(&handler, {"7f0c-1", "bob", 1250}, 402);    // bob's own key; he has no money
  good &= PostOverBadLine(&handler, {"7f0c-3", "alice", -400}, 400);

  const semel::Amount alice = (*ledger)->Get("account/alice").value().balance;
  std::cout << "alice " << alice << "\n";
  return good && alice == 3350 ? 0 : 1;
}
