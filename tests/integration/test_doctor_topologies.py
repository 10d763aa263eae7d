"""`order-service doctor` where there is more than one server, or a login that brokers refuse."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from order_service.cli import main
from order_service.embedded.apache_kafka import ApacheKafka
from order_service.embedded.postgres import PostgresServer
from tests.backends import Environ, migrator_of
from tests.certificates import Authority
from tests.redis_servers import MASTER, Node, SentinelServer
from tests.replication import ReplicaServer
from tests.servers import started
from tests.tls_servers import PASSWORD, USER, secure_kafka
from tests.waiting import eventually

Findings = dict[str, dict[str, str]]


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def examined(part: str, environ: Environ, *options: str) -> Findings:
    """The last finding about each subject of one part."""
    result = CliRunner().invoke(main, ["doctor", "--json", *options], env=environ)
    findings: list[dict[str, Any]] = json.loads(result.stdout)["parts"][part]
    return {each["subject"]: each for each in findings}


def test_a_replica_is_asked_for_its_lag(tmp_path: Path) -> None:
    with started(PostgresServer(tmp_path / "primary", durable=False)) as primary:
        with migrator_of(primary.environment()) as migrator:
            migrator.up()
        with started(ReplicaServer(tmp_path / "replica", primary)) as replica:
            environ = replica.environment()
            found = examined("replica", environ)
            assert found["lag"]["level"] == "ok"
            as_primary = environ | {"POSTGRES_PORT": str(replica.port)}
            written = examined("postgres", as_primary)["writable"]
    assert written["level"] == "fault"
    assert "postgres.read_host" in written["remedy"]


def test_a_replica_that_is_away_is_a_fault() -> None:
    environ = {"POSTGRES_HOST": "127.0.0.1:1", "POSTGRES_READ_HOST": "127.0.0.1:2"}
    assert "postgres.read_host" in examined("replica", environ)["reachable"]["remedy"]


def test_the_master_is_found_by_a_sentinel(tmp_path: Path) -> None:
    with started(Node(tmp_path / "master")) as master:
        sentinel = SentinelServer(tmp_path / "sentinel", master, quorum=1)
        with started(sentinel):
            eventually(lambda: sentinel.knows(0, 0), 10, "the sentinel watches")
            environ = {"REDIS_SENTINELS": sentinel.address, "REDIS_SENTINEL_MASTER": MASTER}
            well = examined("redis", environ)
            other = examined("redis", environ | {"REDIS_SENTINEL_MASTER": "other"})
    assert {each["level"] for each in well.values()} == {"ok"}
    assert other["login"]["level"] == "fault"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[ApacheKafka]:
    with started(secure_kafka(tmp_path_factory.mktemp("kafka"), authority)) as server:
        yield server


@pytest.mark.apache_kafka
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_a_login_that_brokers_refuse_is_suspected(kafka: ApacheKafka, authority: Authority) -> None:
    environ = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.secured_servers("SASL_SSL"),
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SSL_CAFILE": str(authority.certificate),
        "KAFKA_SASL_MECHANISM": "PLAIN",
        "KAFKA_SASL_USERNAME": USER,
        "KAFKA_SASL_PASSWORD": PASSWORD,
    }
    assert examined("kafka", environ)["login"]["level"] == "ok"
    wrong = {"KAFKA_SASL_PASSWORD": "wrong horse"}
    login = examined("kafka", environ | wrong, "--timeout", "4")["login"]
    assert login["level"] == "fault"
    assert "KAFKA_SASL_PASSWORD" in login["remedy"]
    assert "wrong horse" not in str(login)
