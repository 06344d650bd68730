// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// MQTT 5: mqtt://HOST:PORT/TOPIC/FILTER.
//
// A queue: QoS 1, with a session that the broker keeps for ever under the client's name. Messages have no positions, so
// each must be anchored by what it says itself. An early message is held here, unacknowledged, and given again.
//
// A client of its own, because libmosquitto 2.0 acknowledges a message before it hands it over: killed in between,
// the message would be lost. It knows no TLS: put a tunnel in front, or use a private network.
//
// Settings: client (the session's name, default semel), user, password.

#ifndef SEMEL_API_STREAMS_MQTT_H_
#define SEMEL_API_STREAMS_MQTT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "api/streams/consumer.h"
#include "api/streams/url.h"

namespace semel::streams {

absl::StatusOr<std::unique_ptr<Consumer>> OpenMqttConsumer(Url url, const Cursors& cursors);
absl::StatusOr<std::unique_ptr<Producer>> OpenMqttProducer(Url url);

}  // namespace semel::streams

#endif  // SEMEL_API_STREAMS_MQTT_H_
