// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// consume: messages of a broker into a ledger.

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "api/cli/commands.h"
#include "api/cli/metrics_reporter.h"
#include "api/cli/outcome_counts.h"
#include "api/cli/output.h"
#include "api/cli/progress.h"
#include "api/cli/stop_signal.h"
#include "api/cli/stream_arguments.h"
#include "api/cli/text.h"
#include "api/streams/ledgers.h"
#include "api/streams/open.h"
#include "api/streams/runner.h"

namespace semel::cli {
namespace {

constexpr size_t kRunNameMax = 100;  // bytes

struct ConsumeOptions {
  std::string ledger;
  BrokerArguments broker;
  FormatArguments format;
  MetricsArguments metrics;
  std::string group;
  std::string dead_letters;
  std::string outcomes;
  std::optional<bool> park;
  size_t batch = 1000;
  uint64_t limit = 0;
  uint64_t give_up_seconds = 0;
  bool partitioned = false;
  bool until_end = false;
  bool create = false;
  bool json = false;
};

int Usage(const absl::Status& status) { return Refuse("consume", std::string(status.message())); }

void PrintSummary(const ConsumeOptions& options, const streams::RunCounts& counts, const OutcomeCounts& unparked,
                  double seconds) {
  const double active = std::chrono::duration<double>(counts.active).count();
  if (options.json) {
    nlohmann::ordered_json object;
    object["messages"] = counts.messages;
    object["undecodable"] = counts.undecodable;
    object["passed"] = counts.passed;
    object["reconnects"] = counts.reconnects;
    object["outcomes"] = ToJson(counts.by_code);
    object["unparked"] = ToJson(unparked);
    object["seconds"] = seconds;
    object["active_seconds"] = active;
    PrintLine(object.dump());
  } else {
    PrintOutcomes(counts.by_code, counts.messages, unparked);
    const double rate = counts.messages == 0 ? 0 : static_cast<double>(counts.messages) / active;
    PrintLine(fmt::format("{:.1f} s, {:.0f} messages/s from the first to the last", seconds, rate));
  }
  FlushOutput();
}

std::string Describe(const streams::RunCounts& counts, std::optional<uint64_t> lag, double seconds) {
  std::string text =
      fmt::format("{} messages, {:.0f}/s, lag {}", counts.messages, static_cast<double>(counts.messages) / seconds,
                  lag.has_value() ? std::to_string(*lag) : "unknown");
  for (size_t code = 1; code < kOutcomeCodeCount; ++code) {
    if (counts.by_code[code] == 0) continue;
    text += fmt::format(", {} {}", counts.by_code[code], ToString(static_cast<OutcomeCode>(code)));
  }
  return text;
}

// What a run needs beside the ledger, made before it opens.
struct Parts {
  streams::Url url;
  streams::Decoder decoder;
  std::unique_ptr<MetricsReporter> metrics;  // null: nobody wants them
  std::optional<streams::Url> dead_letters;  // absent: refused messages stay in the ledger only
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> outcomes{nullptr, std::fclose};  // null: they are only counted
};

absl::StatusOr<Parts> Prepare(const ConsumeOptions& options) {
  Parts parts;
  absl::StatusOr<streams::Url> url = ReadBroker(options.broker);
  if (!url.ok()) return url.status();
  parts.url = *std::move(url);
  absl::StatusOr<streams::Decoder> decoder = ReadMessageFormat(options.format);
  if (!decoder.ok()) return decoder.status();
  parts.decoder = *std::move(decoder);
  if (!options.dead_letters.empty()) {
    absl::StatusOr<streams::Url> to = ReadBroker({options.dead_letters, options.broker.broker_config});
    if (!to.ok()) return to.status();
    parts.dead_letters = *std::move(to);
  }
  absl::StatusOr<std::unique_ptr<MetricsReporter>> metrics = MetricsReporter::Start(options.metrics, parts.url.Name());
  if (!metrics.ok()) return metrics.status();
  parts.metrics = *std::move(metrics);
  if (!options.outcomes.empty()) {
    parts.outcomes.reset(std::fopen(options.outcomes.c_str(), "we"));
    if (parts.outcomes == nullptr) return absl::ErrnoToStatus(errno, "--outcomes " + options.outcomes);
  }
  return parts;
}

// What a broker calls the name under which it remembers a consumer; "" if it remembers none.
std::string NameSetting(const std::string& scheme) {
  if (scheme == "kafka" || scheme == "redis") return "group";
  return scheme == "nats" ? "consumer" : scheme == "mqtt" ? "client" : "";
}

// Each ledger has a name of its own at the broker, unless the user says otherwise.
absl::Status NameGroup(const ConsumeOptions& options, Ledger& ledger, streams::Url* url) {
  const std::string setting = NameSetting(url->scheme);
  if (setting.empty()) return absl::OkStatus();
  std::string name = url->settings.Take(setting, options.group);
  if (name.empty()) {
    const absl::StatusOr<Stats> stats = ledger.GetStats();
    if (!stats.ok()) return stats.status();
    name = "semel-" + stats->uuid.substr(0, 8);
  }
  url->settings.Set(setting, name);
  return absl::OkStatus();
}

// Sends messages on; connects for the first of them, and anew after an error.
std::function<absl::Status(const std::vector<streams::Message>&)> Forwarder(const streams::Url& to) {
  return [to, producer = std::shared_ptr<streams::Producer>()](
             const std::vector<streams::Message>& messages) mutable -> absl::Status {
    if (producer == nullptr) {
      absl::StatusOr<std::unique_ptr<streams::Producer>> opened = streams::OpenProducer(to);
      if (!opened.ok()) return opened.status();
      producer = *std::move(opened);
    }
    absl::Status sent = producer->Send(messages);
    if (!sent.ok()) producer.reset();
    return sent;
  };
}

streams::RunOptions MakeRunOptions(const ConsumeOptions& options, const Parts& parts, streams::Ledgers& ledgers,
                                   StopSignal* stop, StatusLine* line) {
  streams::RunOptions run;
  run.name = parts.url.Name().substr(0, kRunNameMax);
  run.batch = options.batch;
  run.park = options.park;
  run.until_end = options.until_end;
  run.max_messages = options.limit;
  run.give_up_after = std::chrono::seconds(options.give_up_seconds);
  run.stop = [stop] { return stop->Take() != 0; };
  run.log = [line](std::string_view text) {
    line->Clear();
    fmt::print(stderr, "semel consume: {}\n", Printable(text));
  };
  run.on_progress = [line, metrics = parts.metrics.get(), log = run.log, &ledgers](const streams::RunCounts& counts,
                                                                                   std::optional<uint64_t> lag) {
    line->Update([&] { return Describe(counts, lag, line->seconds()); });
    if (metrics == nullptr) return;
    const absl::Status shown = metrics->Update(counts, lag, ledgers, /*now=*/false);
    if (!shown.ok()) log(std::string(shown.message()));
  };
  if (parts.metrics != nullptr) {
    run.on_commit = [metrics = parts.metrics.get()](size_t messages, std::chrono::nanoseconds commit) {
      metrics->AddBatch(messages, commit);
    };
  }
  if (parts.dead_letters.has_value()) run.forward_refused = Forwarder(*parts.dead_letters);
  if (parts.outcomes != nullptr) {
    run.on_outcome = [file = parts.outcomes.get()](const Change& change, const Outcome& outcome) {
      const std::string text = ToJson(change, outcome) + "\n";
      const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
      return written ? absl::OkStatus() : absl::ErrnoToStatus(errno, "--outcomes");
    };
  }
  return run;
}

// Runs until the end; the ledgers are good for nothing afterwards but to be destroyed.
int ConsumeInto(const ConsumeOptions& options, const Parts& parts, streams::Ledgers& ledgers,
                const OutcomeCounts& unparked, const std::function<absl::Status()>& close, StopSignal* stop) {
  StatusLine line;
  const streams::Connect connect = [&parts](const streams::Cursors& cursors) {
    return streams::OpenConsumer(parts.url, cursors);
  };
  streams::Runner runner(&ledgers, connect, parts.decoder, MakeRunOptions(options, parts, ledgers, stop, &line));
  absl::Status status = runner.Run();
  const double seconds = line.seconds();
  line.Clear();
  if (parts.metrics != nullptr) {
    status.Update(parts.metrics->Update(runner.counts(), runner.lag(), ledgers, /*now=*/true));
  }
  status.Update(close());
  PrintSummary(options, runner.counts(), unparked, seconds);
  if (absl::IsInvalidArgument(status)) return Usage(status);
  return status.ok() ? kExitOk : FailPlainly(status, options.ledger);
}

int ConsumePartitioned(const ConsumeOptions& options, Parts parts, const Options& ledger_options,
                       const OutcomeCounts& unparked, StopSignal* stop) {
  if (parts.url.scheme != "kafka") return Usage(absl::InvalidArgumentError("--partitioned takes a kafka:// URL"));
  const std::string group = parts.url.settings.Take("group", options.group);
  if (group.empty()) {
    return Usage(
        absl::InvalidArgumentError("--partitioned takes --group, the same for all processes that share the work"));
  }
  parts.url.settings.Set("group", group);
  Options each = ledger_options;
  each.create_if_missing = true;
  streams::PartitionedLedgers ledgers(
      options.ledger, each, [](std::string_view line) { fmt::print(stderr, "semel consume: {}\n", Printable(line)); });
  const auto close = [&ledgers] {
    ledgers.ReleaseAll();
    return absl::OkStatus();
  };
  return ConsumeInto(options, parts, ledgers, unparked, close, stop);
}

int Consume(const ConsumeOptions& options) {
  if (options.ledger.empty() || options.broker.url.empty()) {
    return Usage(absl::InvalidArgumentError("takes LEDGER and URL; see semel consume --help"));
  }
  StopSignal stop;
  absl::StatusOr<Parts> parts = Prepare(options);
  if (!parts.ok()) return Usage(parts.status());
  OutcomeCounts unparked{};
  Options ledger_options;
  ledger_options.create_if_missing = options.create;
  ledger_options.on_unparked = [&unparked](const Change&, const Outcome& outcome) {
    ++unparked[static_cast<size_t>(outcome.code)];
  };
  ledger_options.log = [](std::string_view line) { fmt::print(stderr, "semel: {}\n", line); };
  if (options.partitioned) return ConsumePartitioned(options, *std::move(parts), ledger_options, unparked, &stop);
  const absl::StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::Open(options.ledger, ledger_options);
  if (!ledger.ok()) return Fail(ledger.status(), options.ledger);
  if (const absl::Status named = NameGroup(options, **ledger, &parts->url); !named.ok()) return Usage(named);
  streams::OneLedger ledgers(ledger->get());
  return ConsumeInto(
      options, *parts, ledgers, unparked, [&] { return (*ledger)->Close(); }, &stop);
}

void AddArguments(CLI::App* command, ConsumeOptions* options) {
  command->add_option("LEDGER,--ledger", options->ledger, "The ledger's directory");
  command->add_option(
      "URL,--url", options->broker.url,
      "Where the messages are: kafka://HOST:PORT/TOPIC, nats://HOST:PORT/STREAM, redis://HOST:PORT/STREAM, "
      "amqp://HOST:PORT/QUEUE, mqtt://HOST:PORT/TOPIC, file:PATH; - is standard input");
  AddBroker(command, &options->broker);
  AddMessageFormat(command, &options->format);
  AddMetrics(command, &options->metrics);
  command->add_option("--group", options->group,
                      "What this consumer is called at the broker. Default: semel- and the ledger's number");
  command->add_option("--batch", options->batch, "Messages that are made durable together, at most")
      ->check(CLI::Range(size_t{1}, size_t{50000}))
      ->capture_default_str();
  const auto set_park = [options](int64_t count) { options->park = count > 0; };  // negative: the second name
  command->add_flag_function("--park,!--no-park", set_park,
                             "Hold changes that come early, or have them delivered again. Default: as semel options "
                             "says");
  command->add_option("--dead-letters", options->dead_letters,
                      "Send refused messages on to this URL too; the ledger keeps them in any case");
  command->add_option("--outcomes", options->outcomes, "Write each outcome to this file, a JSON object a line");
  command->add_flag("--partitioned", options->partitioned,
                    "LEDGER is a directory with one ledger for each partition that is assigned; several processes may "
                    "share the work");
  command->add_flag("--until-end", options->until_end, "End once everything that is there now has been consumed");
  command->add_option("--limit", options->limit, "End after so many messages; 0: never")->capture_default_str();
  command
      ->add_option("--give-up", options->give_up_seconds,
                   "End if there is no connection for so many seconds; 0: try for ever")
      ->capture_default_str();
  command->add_flag("--create", options->create, "Create the ledger if there is none");
  command->add_flag("--json", options->json, "The summary as one JSON object");
}

// Takes the file's arguments, as if they were given first.
void TakeConfig(const std::string& path, ConsumeOptions* options) {
  absl::StatusOr<std::vector<std::string>> words = ReadConfig(path);
  if (!words.ok()) throw CLI::ValidationError("--config", std::string(words.status().message()));
  CLI::App file(path);
  RefuseValuesOfFlags(&file);
  AddArguments(&file, options);
  std::reverse(words->begin(), words->end());  // as CLI11 takes them
  try {
    file.parse(*words);
  } catch (const CLI::ParseError& error) {
    throw CLI::ValidationError("--config " + path, error.what());
  }
}

}  // namespace

void AddConsume(CLI::App& app, int* exit) {
  CLI::App* const command = app.add_subcommand("consume", "Apply the messages of a broker as they come");
  const auto options = std::make_shared<ConsumeOptions>();
  command->add_option_function<std::string>(
      "--config", [options](const std::string& path) { TakeConfig(path, options.get()); },
      "A JSON file of these options, named without dashes; those given here win");
  AddArguments(command, options.get());
  std::string built;
  for (const std::string& scheme : streams::BuiltSchemes()) built += " " + scheme + ":";
  command->footer(
      "Example:\n"
      "  semel consume accounts nats://127.0.0.1:4222/PAYMENTS --create\n"
      "  semel consume accounts kafka://127.0.0.1:9092/payments --map mapping.json --until-end\n\n"
      "A message is acknowledged only once what it did is durable. Refused messages are kept in the ledger: see\n"
      "semel dead-letters.\n"
      "Exit status: 0 stopped by SIGINT or SIGTERM, or at the end that was asked for; 1 the engine or the broker\n"
      "failed; 2 unusable arguments.\n"
      "This build speaks with" +
      built);
  command->callback([options, exit] { *exit = Consume(*options); });
}

}  // namespace semel::cli
