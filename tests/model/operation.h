// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Streams as tests/spec knows them: changes, and operations between them.

#ifndef SEMEL_TESTS_MODEL_OPERATION_H_
#define SEMEL_TESTS_MODEL_OPERATION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "nlohmann/json.hpp"
#include "semel/change.h"
#include "semel/outcome.h"
#include "tests/model/reference_model.h"

namespace semel::testing {

// What may be asked of a ledger.
struct Operation {
  enum class Kind { kApply, kRetry, kDiscard, kDiscardParked, kTrim, kTrimEntity, kParkMax, kLookback, kReopen };
  Kind kind = Kind::kApply;
  Change change;             // kApply; else the one that is retried, discarded, given up
  std::optional<bool> park;  // kApply: whether it may be parked; absent: as the option says
  uint64_t number = 0;       // kRetry, kDiscard, kDiscardParked: the model's name of it; kParkMax, kLookback
  std::string name;          // kRetry, kDiscard: the specification's name of it; kTrimEntity: the key
};

// The answer, of what has one in the specification. What is retried, discarded or given up must be there.
std::optional<Outcome> Run(const Operation& operation, ReferenceModel* model);

// The specification's dialect: values as plain text, amounts as decimal text. It does not know the asset of an add.
nlohmann::json SpecificationJson(const Policy& policy);
nlohmann::json SpecificationJson(const Change& change);
nlohmann::json SpecificationJson(const Operation& operation);

// What the specification calls the identity of a change.
std::string SpecificationIdentity(const Change& change);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_MODEL_OPERATION_H_
