#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Runs those blocks of docs/ that need a broker: <!-- broker: SCHEME --> before commands, <!-- broker output: SCHEME -->
before what they print. The broker runs at a free port, which stands for its usual one in the commands.

usage: docs_test.py SEMEL MOCK_KAFKA     (MOCK_KAFKA may be "")
"""
import importlib.util
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import servers  # noqa: E402

USUAL_PORTS = {"nats": "4222", "redis": "6379", "amqp": "5672", "mqtt": "1883", "kafka": "9092"}


def house_docs_test():
    spec = importlib.util.spec_from_file_location("house_docs_test", HERE.parent / "house" / "docs_test.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def port_of(server):
    return server.brokers.split(",")[0].split(":")[1] if server.scheme == "kafka" else str(server.port)


def run(house, document, kind, semel):
    """Returns the faults of one document's blocks for one broker, and how many blocks it has."""
    blocks = [block for block in house.parse(document.read_text(encoding="utf-8"))
              if block.note in (f"broker: {kind.scheme}", f"broker output: {kind.scheme}")]
    if not blocks:
        return [], 0
    found = []
    with tempfile.TemporaryDirectory() as directory:
        server = kind(pathlib.Path(directory) / "server")
        server.start()
        try:
            runner = house.Runner(directory, str(semel.parent), house.ROOT)
            for block in blocks:
                text = block.text.replace(USUAL_PORTS[kind.scheme], port_of(server))
                why = (runner.run(text) if block.note.startswith("broker:")
                       else runner.compare("the output of the commands before", runner.output, block.text))
                if why:
                    found.append(f"{document.name}:{block.line}: {why}")
        finally:
            server.kill()
    return found, len(blocks)


def main(semel, mock_kafka):
    semel = pathlib.Path(semel).resolve()
    servers.MOCK_KAFKA = mock_kafka or None
    house = house_docs_test()
    built = servers.schemes_of(semel)
    faults = []
    for kind in (servers.Nats, servers.Redis, servers.RabbitMq, servers.Mosquitto, servers.Kafka,
                 servers.MockKafka):
        if not kind.installed() or kind.scheme not in built:
            print(f"{kind.__name__}: not run", flush=True)
            continue
        blocks = 0
        for document in sorted((house.ROOT / "docs").glob("*.md")):
            found, count = run(house, document, kind, semel)
            faults += found
            blocks += count
        print(f"{kind.__name__}: {blocks} blocks", flush=True)
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
