// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0

#include "engine/ledger/deciding_options.h"

namespace semel::internal {

DecidingOptions Merge(const Options& asked, DecidingOptions present) {
  present.balance_lookback = asked.balance_lookback.value_or(present.balance_lookback);
  present.explicit_entities = asked.explicit_entities.value_or(present.explicit_entities);
  present.parking = asked.parking.value_or(present.parking);
  present.parking_changes = asked.parking_changes.value_or(present.parking_changes);
  present.parking_bytes = asked.parking_bytes.value_or(present.parking_bytes);
  present.parking_changes_per_entity = asked.parking_changes_per_entity.value_or(present.parking_changes_per_entity);
  present.parking_bytes_per_entity = asked.parking_bytes_per_entity.value_or(present.parking_bytes_per_entity);
  return present;
}

Options ToOptions(const DecidingOptions& deciding) {
  Options options;
  options.balance_lookback = deciding.balance_lookback;
  options.explicit_entities = deciding.explicit_entities;
  options.parking = deciding.parking;
  options.parking_changes = deciding.parking_changes;
  options.parking_bytes = deciding.parking_bytes;
  options.parking_changes_per_entity = deciding.parking_changes_per_entity;
  options.parking_bytes_per_entity = deciding.parking_bytes_per_entity;
  return options;
}

}  // namespace semel::internal
