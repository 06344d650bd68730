// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// What happens to files: what disks, controllers, file systems and people do to them.

#ifndef SEMEL_TESTS_DAMAGE_DAMAGE_H_
#define SEMEL_TESTS_DAMAGE_DAMAGE_H_

#include <string>

#include "tests/damage/subject.h"
#include "tests/ledger/file_image.h"
#include "tests/sim/random.h"

namespace semel::testing {

struct Damage {
  FileImage files;   // differ from the subject's
  std::string what;  // in words
};

// One damage of any kind to one of the subject's files.
Damage DrawDamage(const Subject& subject, Random* random);

}  // namespace semel::testing

#endif  // SEMEL_TESTS_DAMAGE_DAMAGE_H_
