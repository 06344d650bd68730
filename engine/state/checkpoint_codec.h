// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// A checkpoint's description as bytes: in the state itself and in base snapshots.

#ifndef SEMEL_ENGINE_STATE_CHECKPOINT_CODEC_H_
#define SEMEL_ENGINE_STATE_CHECKPOINT_CODEC_H_

#include <string>

#include "engine/base/coding.h"
#include "engine/state/state_store.h"

namespace semel::internal {

// Appends the encoding of `info` to `out`.
void EncodeCheckpointInfo(const CheckpointInfo& info, std::string* out);

// False if the bytes are not what EncodeCheckpointInfo writes.
bool DecodeCheckpointInfo(Decoder* in, CheckpointInfo* info);

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_STATE_CHECKPOINT_CODEC_H_
