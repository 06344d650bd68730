// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A declared mapping from plain JSON to a change, so that an existing topic needs no other producer. Itself JSON:
//
//   {"key": "account/{account}", "add": "amount", "decimals": 2, "id": "{payment_id}", "asset": "EUR"}
//
// Members, all texts but the last. A *template* has names of members in braces, a *member* is one such name; either may
// go into objects with dots: "payment.amount".
//
//   key             template: the entity. Required
//   id              template: names the intent. Absent: the message's place in its source is its identity
//   once            template: a document that must not exist yet, and is put: the unique-key method
//   add             member: an amount of minor units; the other actions are put and delete
//   put             member whose JSON (of a text: the text) becomes the value, or "." for the whole message
//   delete_if       member: if it is true, the entity is deleted
//   asset           template, beside add
//   expect_version, since, newer   member: a whole number
//   expect_balance  member: an amount
//   decimals        number, 0 .. 18: how many decimals amounts have. 0: they are minor units

#ifndef SEMEL_API_STREAMS_MAPPING_H_
#define SEMEL_API_STREAMS_MAPPING_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "api/streams/runner.h"

namespace semel::streams {

// Reads a mapping. Errors: InvalidArgument (not JSON, an unknown member, no key, no action).
absl::StatusOr<Decoder> MakeMappingDecoder(std::string_view mapping);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_MAPPING_H_
