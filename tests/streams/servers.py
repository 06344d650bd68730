# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""Brokers as the tests start and stop them: on free ports of the loopback, in a directory of their own, by their pid."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

START_SECONDS_MAX = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A broker process. Its data survive kill() and start()."""
    program = ""        # without which it cannot run
    scheme = ""         # of its URLs
    url_settings = ""   # that a test's URL carries
    is_log = True       # gives positions; else a queue

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


class Redis(Server):
    program = "redis-server"
    scheme = "redis"

    def command(self):
        return [self.program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory),
                "--appendonly", "yes", "--appendfsync", "always", "--save", ""]


SERVERS = [Nats, NatsQueue, Redis]
