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
  std::string account;
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
    const auto outcome = ledger_->Apply(ToChange(request));
    // The ledger cannot tell whether the payment was made; the client may ask again with the same key.
    if (!outcome.ok()) return {503, "try again with the same key"};
    return ToResponse(*outcome);
  }

 private:
  static semel::Change ToChange(const Request& request) {
    semel::Change change(request.idempotency_key);
    change.balanced = true;
    change.AddUpdate("payment/" + request.idempotency_key).ExpectVersion(0).Put(request.account);
    change.AddUpdate("account/" + request.account).Add(-request.cents);
    change.AddUpdate("bank/payments").Add(request.cents);
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

// A client behind a bad line: the first two replies are lost on the way back, so it asks three times.
Response PostOverBadLine(PaymentHandler* handler, const Request& request) {
  const Response first = handler->Post(request);
  const Response second = handler->Post(request);
  const Response third = handler->Post(request);
  const bool same = first.status == third.status && first.body == third.body && second.body == third.body;
  std::cout << request.idempotency_key << ": " << third.status << " " << third.body
            << (same ? " (the same reply three times)" : " (REPLIES DIFFER)") << "\n";
  return third;
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
  PaymentHandler handler(ledger->get());

  PostOverBadLine(&handler, {"7f0c-1", "alice", 1250});
  PostOverBadLine(&handler, {"7f0c-2", "alice", 400});
  PostOverBadLine(&handler, {"7f0c-1", "alice", 9900});  // another payment under a used key

  const semel::Amount alice = (*ledger)->Get("account/alice").value().balance;
  std::cout << "alice " << alice << "\n";
  return alice == -1650 ? 0 : 1;
}
