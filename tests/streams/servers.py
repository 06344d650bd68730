# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Brokers as the tests start and stop them: on free ports of the loopback, in a directory of their own, by their pid."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from cli_case import SCRATCH  # noqa: E402

START_SECONDS_MAX = 60
MOCK_KAFKA = None  # the program, where it was built


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def schemes_of(semel):
    """Those of the brokers that this semel was built with."""
    text = subprocess.run([semel, "consume", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [word.rstrip(":") for word in text.split("This build speaks with")[-1].split()]


class Server:
    """A broker process. Its data survive kill() and start()."""
    program = ""        # without which it cannot run
    scheme = ""         # of its URLs
    url_settings = ""   # that a test's URL carries
    is_log = True       # gives positions; else a queue
    keeps = True        # what it was sent, when it is killed
    reconnects_unnoticed = False  # the library connects again without a word
    subscribes_first = False  # it gives a consumer only what came after its first subscription
    shared = ""         # queue: settings with which two consumers share one

    @classmethod
    def installed(cls):
        return shutil.which(cls.program) is not None

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.port = free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def ready(self):
        return answers(self.port)

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.directory, env=self.environment(), stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.ready():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError((self.directory / "log").read_text(errors="replace")[-4000:])
            time.sleep(0.02)

    def kill(self):
        """As a crash would end it, with whatever processes it has started."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None

    def url(self, name, settings=""):
        both = "&".join(part for part in (self.url_settings, settings) if part)
        return f"{self.scheme}://127.0.0.1:{self.port}/{name}" + (f"?{both}" if both else "")


class Nats(Server):
    program = "nats-server"
    scheme = "nats"

    def command(self):
        return [self.program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.directory / "data")]


class NatsQueue(Nats):
    """The same as a queue: every message acknowledged on its own."""
    is_log = False
    url_settings = "positions=no&ack_wait=1"
    shared = "consumer=one"


class Redis(Server):
    program = "redis-server"
    scheme = "redis"

    def command(self):
        return [self.program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory),
                "--appendonly", "yes", "--appendfsync", "always", "--save", ""]

    def ready(self):
        """Whether it has loaded its data, too."""
        if not super().ready():
            return False
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
            s.sendall(b"PING\r\n")
            return s.recv(64).startswith(b"+PONG")


class AnyKafka(Server):
    scheme = "kafka"
    partitions = 4  # of a topic that comes into being when it is named
    reconnects_unnoticed = True  # librdkafka does it by itself
    groups = 0
    brokers = ""

    def url(self, name, settings=""):
        """In a group of its own each time: nobody waits for the session of one that was killed, and where the group
        stood is a hint anyway."""
        self.groups += 1
        settings = settings + f"&group=group-{self.groups}"
        return super().url(name, settings.strip("&")).replace(f"127.0.0.1:{self.port}", self.brokers)

    def tool(self, command, *arguments, stdin=""):
        """Runs tool/kafka_tool.cc, which is built beside the mock cluster."""
        program = pathlib.Path(MOCK_KAFKA).with_name("kafka_tool")
        subprocess.run([program, command, self.brokers, *map(str, arguments)], input=stdin, text=True, check=True)


class MockKafka(AnyKafka):
    """librdkafka's mock cluster, in memory: what it holds dies with it."""
    program = "mock_kafka"
    keeps = False
    arguments = []

    @classmethod
    def installed(cls):
        return MOCK_KAFKA is not None

    def start(self):
        self.process = subprocess.Popen([MOCK_KAFKA, *self.arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.brokers = self.process.stdout.readline().strip()

    def kill(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
        super().kill()


class Kafka(AnyKafka):
    """Apache Kafka, one node that is broker and controller (KRaft), of the jars that scripts/fetch_kafka.sh has
    fetched."""
    program = "Apache Kafka (scripts/fetch_kafka.sh) or Java"
    jars = pathlib.Path(os.environ.get("SEMEL_KAFKA_JARS") or pathlib.Path(
        os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "semel" / "kafka")

    @classmethod
    def class_path(cls):
        pins = (pathlib.Path(__file__).parent / "kafka" / "jars.sha512").read_text(encoding="utf-8")
        return [cls.jars / line.split()[1] for line in pins.splitlines()]

    @classmethod
    def installed(cls):
        return shutil.which("java") is not None and all(jar.exists() for jar in cls.class_path())

    def __init__(self, directory):
        super().__init__(directory)
        self.brokers = f"127.0.0.1:{self.port}"
        self.properties = self.directory / "server.properties"
        self.properties.write_text("".join(f"{name}={value}\n" for name, value in self.settings().items()))

    def settings(self):
        controller = f"127.0.0.1:{free_port()}"
        return {
            "process.roles": "broker,controller", "node.id": 1, "controller.quorum.voters": f"1@{controller}",
            "listeners": f"CLIENTS://{self.brokers},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENTS://{self.brokers}", "inter.broker.listener.name": "CLIENTS",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self.directory / "data", "num.partitions": self.partitions,
            "offsets.topic.replication.factor": 1, "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1, "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            # Whoever comes or is gone is noticed soon: members of a group, and the node itself after a kill.
            "group.initial.rebalance.delay.ms": 0, "group.min.session.timeout.ms": 1000,
            "broker.session.timeout.ms": 3000, "broker.heartbeat.interval.ms": 200,
            "controller.quorum.election.timeout.ms": 200, "controller.quorum.fetch.timeout.ms": 500,
            "log.cleaner.backoff.ms": 100}

    def java(self, *arguments):
        return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp",
                ":".join(map(str, self.class_path())), *map(str, arguments)]

    def command(self):
        return self.java("kafka.Kafka", self.properties)

    def start(self):
        if not (self.directory / "data").exists():
            subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAUAAAAAAAAABw", "-c",
                                     self.properties), check=True, stdout=subprocess.DEVNULL)
        super().start()


class RabbitMq(Server):
    program = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    scheme = "amqp"
    is_log = False
    shared = "prefetch=20"

    def __init__(self, directory):
        super().__init__(directory)
        self.epmd_port = free_port()
        (self.directory / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")

    def command(self):
        return [self.program]

    def environment(self):
        here = str(self.directory)
        return dict(os.environ, HOME=here, RABBITMQ_MNESIA_BASE=f"{here}/mnesia", RABBITMQ_LOG_BASE=f"{here}/logs",
                    RABBITMQ_CONFIG_FILE=f"{here}/rabbitmq.conf", RABBITMQ_NODENAME=f"semel{self.port}@localhost",
                    RABBITMQ_DIST_PORT=str(free_port()), ERL_EPMD_PORT=str(self.epmd_port),
                    ERL_EPMD_ADDRESS="127.0.0.1", ERL_EPMD_RELAXED_COMMAND_CHECK="1", RABBITMQ_ENABLED_PLUGINS_FILE=f"{here}/plugins")

    def kill(self):
        super().kill()
        # The port mapper is a daemon of its own; this one serves nobody else.
        subprocess.run(["epmd", "-port", str(self.epmd_port), "-kill"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)


class Mosquitto(Server):
    program = "mosquitto"
    scheme = "mqtt"
    is_log = False
    subscribes_first = True
    save_after = 1  # changes: what is not saved is lost when it is killed, and saving all of them takes long

    def __init__(self, directory):
        super().__init__(directory)
        (self.directory / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\nautosave_on_changes true\n"
            f"autosave_interval {self.save_after}\npersistence_location {self.directory}/\nuser root\n"
            "max_queued_messages 0\nmax_inflight_messages 0\n")

    def command(self):
        return [self.program, "-c", str(self.directory / "mosquitto.conf")]


class ServerCase:
    """Gives the tests of a class one running server of `server_class`."""
    server_class = Server

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="semel-broker-", dir=SCRATCH)
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.server = cls.server_class(pathlib.Path(cls.scratch) / "server")
        cls.addClassCleanup(lambda: cls.server.kill())
        cls.server.start()


SERVERS = [Nats, NatsQueue, Redis, Kafka, MockKafka, RabbitMq, Mosquitto]


def kafka():
    """The real one, if it is there."""
    return Kafka if Kafka.installed() else MockKafka
