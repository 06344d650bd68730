#!/usr/bin/env python3
# Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
"""semel send and consume over TLS, with certificates that the test makes: of an authority, of the broker (its name is
localhost) and of the client, which every broker here asks for. User and password come from a file. Says which brokers it
ran.

usage: tls_test.py SEMEL MOCK_KAFKA [UNITTEST_ARGUMENT ...]     (MOCK_KAFKA "": it was not built)
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import CliCase, main  # noqa: E402
import servers  # noqa: E402

USER, PASSWORD = "alice", "open-sesame"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Authority:
    """Signs certificates, each with its key in a file beside it."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.certificate = self.make(name, "-addext", "basicConstraints=critical,CA:TRUE")

    def make(self, name, *more):
        path = self.directory / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2, "-subj",
                f"/CN={name}", "-keyout", self.key_of(path), "-out", path, *more)
        return path

    def sign(self, name, *more):
        return self.make(name, "-CA", self.certificate, "-CAkey", self.key_of(self.certificate), "-addext",
                         "basicConstraints=critical,CA:FALSE", *more)

    @staticmethod
    def key_of(certificate):
        return certificate.with_suffix(".key")


class Certificates:
    def __init__(self, directory):
        directory.mkdir()
        authority = Authority(directory, "authority")
        self.authority = authority.certificate
        self.server = authority.sign("localhost", "-addext", "subjectAltName=DNS:localhost")
        self.client = authority.sign("client")
        self.stranger = Authority(directory, "stranger").certificate
        self.server_key, self.client_key = map(Authority.key_of, (self.server, self.client))
        for path in directory.iterdir():
            path.chmod(0o644)  # a broker may run as another user


class SecureNats(servers.Nats):
    def command(self):
        config = self.directory / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\njetstream {{ store_dir: \"{self.directory}/data\" }}\n"
            f"tls {{ cert_file: \"{CERTIFICATES.server}\", key_file: \"{CERTIFICATES.server_key}\", "
            f"ca_file: \"{CERTIFICATES.authority}\", verify: true }}\n"
            f"authorization {{ user: {USER}, password: \"{PASSWORD}\" }}\n")
        return [self.program, "-c", str(config)]


class SecureMosquitto(servers.Mosquitto):
    def __init__(self, directory):
        super().__init__(directory)
        passwords = self.directory / "passwords"
        subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), USER, PASSWORD], check=True)
        config = self.directory / "mosquitto.conf"
        config.write_text(config.read_text().replace("allow_anonymous true", "allow_anonymous false") +
                          f"password_file {passwords}\ncafile {CERTIFICATES.authority}\nrequire_certificate true\n"
                          f"certfile {CERTIFICATES.server}\nkeyfile {CERTIFICATES.server_key}\n")


class SecureRabbitMq(servers.RabbitMq):
    def __init__(self, directory):
        super().__init__(directory)
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp = none\nlisteners.ssl.1 = 127.0.0.1:{self.port}\n"
            f"ssl_options.cacertfile = {CERTIFICATES.authority}\nssl_options.certfile = {CERTIFICATES.server}\n"
            f"ssl_options.keyfile = {CERTIFICATES.server_key}\nssl_options.verify = verify_peer\n"
            f"ssl_options.fail_if_no_peer_cert = true\ndefault_user = {USER}\ndefault_pass = {PASSWORD}\n")


class SecureKafka(servers.Kafka):
    def settings(self):
        keystore = self.directory / "keystore.pem"
        keystore.write_bytes(CERTIFICATES.server_key.read_bytes() + CERTIFICATES.server.read_bytes())
        login = (f'org.apache.kafka.common.security.plain.PlainLoginModule required username="{USER}" '
                 f'password="{PASSWORD}" user_{USER}="{PASSWORD}";')
        return dict(super().settings(), **{
            "advertised.listeners": f"CLIENTS://localhost:{self.port}",
            "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROLLER:PLAINTEXT",
            "ssl.keystore.type": "PEM", "ssl.keystore.location": keystore, "ssl.truststore.type": "PEM",
            "ssl.truststore.location": CERTIFICATES.authority, "listener.name.clients.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN", "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.clients.plain.sasl.jaas.config": login})


class TlsCase(servers.ServerCase):
    """What every broker must stand. `server_class` is one of those above."""
    names = {}  # its own, of the settings
    more = {}   # settings that it takes besides
    tests_run = 0

    def setUp(self):
        super().setUp()
        TlsCase.tests_run += 1
        self.stream = f"PAY{TlsCase.tests_run}"
        self.good = {"user": USER, "password": PASSWORD, "ca": CERTIFICATES.authority,
                     "certificate": CERTIFICATES.client, "key": CERTIFICATES.client_key}

    def config(self, settings):
        """A file of settings for semel, readable by its owner alone."""
        path = self.directory / "broker.conf"
        path.touch(mode=0o600)
        named = {self.names.get(name, name): value for name, value in settings.items()}
        path.write_text("".join(f"{name} = {value}\n" for name, value in {**named, **self.more}.items()))
        return path

    def url(self, host="localhost", settings=""):
        return self.server.url(self.stream, settings).replace("127.0.0.1", host)

    def consume(self, settings, exit_status=0, **options):
        return self.run_semel("consume", self.ledger, self.url(**options), "--broker-config", self.config(settings), "--create",
                              "--until-end", "--give-up", "1", "--json", exit_status=exit_status)

    def send(self, settings, exit_status=0, **options):
        line = json.dumps({"id": "p-1", "updates": [{"key": "payment/1", "expect_version": 0, "put": ""},
                                                    {"key": "alice", "add": "100"}]})
        return self.run_semel("send", self.url(settings="create=yes", **options), "-", "--broker-config",
                              self.config(settings), stdin=line + "\n", exit_status=exit_status)

    def test_everything_as_it_should_be(self):
        if self.server.subscribes_first:
            self.consume(self.good)
        self.send(self.good)
        self.send(self.good)
        summary = json.loads(self.consume(self.good).stdout)
        self.assertEqual((1, 1), (summary["outcomes"]["APPLIED"], summary["outcomes"]["DUPLICATE"]))
        self.assertEqual("100", self.json_lines("get", self.ledger, "alice")[0]["balance"])

    def assert_refused(self, settings, **options):
        self.send(settings, exit_status=1, **options)
        self.consume(settings, exit_status=1, **options)

    def test_a_certificate_of_another_authority_is_refused(self):
        self.assert_refused({**self.good, "ca": CERTIFICATES.stranger})

    def test_a_certificate_of_another_host_is_refused(self):
        self.assert_refused(self.good, host="127.0.0.1")

    def test_a_client_without_certificate_is_refused(self):
        self.assert_refused({name: value for name, value in self.good.items() if name not in ("certificate", "key")})

    def test_a_wrong_password_is_refused(self):
        self.assert_refused({**self.good, "password": "open-barley"})


class KafkaTlsCase(TlsCase):
    names = {"ca": "ssl.ca.location", "certificate": "ssl.certificate.location", "key": "ssl.key.location"}
    more = {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN", "message.timeout.ms": 3000}


class Redis(CliCase):
    def test_nothing_is_sent_in_clear_instead(self):
        """Debian's hiredis has no TLS."""
        if "redis" not in servers.schemes_of(self.semel):
            self.skipTest("semel was built without hiredis")
        result = self.run_semel("send", "redis://127.0.0.1:1/x?ca=authority.pem", "-", stdin="{}\n", exit_status=2)
        self.assertIn("no TLS", result.stderr)


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(Redis))
    built = servers.schemes_of(CliCase.semel)
    for server_class in (SecureNats, SecureMosquitto, SecureRabbitMq, SecureKafka):
        runs = server_class.scheme in built and server_class.installed()
        print(f"{server_class.__name__}: {'run' if runs else 'not run'}", flush=True)
        if runs:
            base = KafkaTlsCase if server_class is SecureKafka else TlsCase
            case = type(server_class.__name__, (base, CliCase), {"server_class": server_class})
            suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    servers.MOCK_KAFKA = sys.argv.pop(2) or None if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(prefix="semel-tls-") as scratch:
        pathlib.Path(scratch).chmod(0o755)
        CERTIFICATES = Certificates(pathlib.Path(scratch) / "certificates")
        main(__doc__)
