"""`order-service doctor` against real servers: it names what is wrong, and how to mend it."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from redis import Redis

from order_service.cli import main
from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ, NewTopic, connect, free_port, free_ports
from tests.servers import started

Findings = list[dict[str, str]]


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PORT", "ACCOUNTS_GRPC_PORT"):
        monkeypatch.setenv(name, str(free_port()))
    monkeypatch.setenv("METRICS_WORKER_PORT", str(free_ports(20)))  # one for each worker


def run(*options: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *options], env=environ)


def examined(*options: str, **environ: str) -> dict[str, Findings]:
    """What it found, by part; its exit code agrees with it."""
    result = run("--json", *options, **environ)
    document: dict[str, Any] = json.loads(result.stdout)
    parts: dict[str, Findings] = document["parts"]
    faults = [f for findings in parts.values() for f in findings if f["level"] == "fault"]
    assert document["ok"] == (not faults)
    assert result.exit_code == (1 if faults else 0)
    assert all(each["remedy"] for each in faults)
    return parts


def of(findings: Findings, subject: str) -> dict[str, str]:
    """The finding about one subject."""
    (found,) = [each for each in findings if each["subject"] == subject]
    return found


def levels(findings: Findings) -> set[str]:
    return {each["level"] for each in findings}


def test_nothing_configured_is_no_fault() -> None:
    parts = examined()
    for part in ("postgres", "redis", "kafka"):
        assert levels(parts[part]) == {"hint"}


def test_a_migrated_database_is_well(migrated_database: Environ) -> None:
    findings = examined(**migrated_database)["postgres"]
    assert levels(findings) == {"ok"}
    assert {"login", "migrations", "rights", "writable", "clock"} <= {
        f["subject"] for f in findings
    }


def test_an_empty_database_asks_for_the_migrations(empty_database: Environ) -> None:
    admin = empty_database | {"POSTGRES_USER": empty_database["POSTGRES_ADMIN_USER"]}
    admin |= {"POSTGRES_PASSWORD": empty_database["POSTGRES_ADMIN_PASSWORD"]}
    findings = examined(**admin)["postgres"]
    missing = of(findings, "migrations")
    assert missing["level"] == "fault"
    assert "orders/0001-create-orders" in missing["text"]
    assert "migrate up" in missing["remedy"]
    assert of(findings, "rights")["level"] == "fault"


def test_a_role_that_does_not_exist_is_told_from_a_database_that_does_not(
    migrated_database: Environ,
) -> None:
    for change, said in (
        ({"POSTGRES_USER": "nobody"}, "role nobody"),
        ({"POSTGRES_PASSWORD": "wrong"}, "another password"),
        ({"POSTGRES_DB": "nowhere"}, "no database nowhere"),
    ):
        login = of(examined(**migrated_database | change)["postgres"], "login")
        assert login["level"] == "fault"
        assert said in login["text"]
        assert "wrong" not in login["text"]


def test_a_right_that_is_missing_is_named(migrated_database: Environ) -> None:
    role = sql.Identifier(migrated_database["POSTGRES_USER"])
    with connect(migrated_database, admin=True) as admin:
        admin.execute(sql.SQL("REVOKE UPDATE ON orders.payments FROM {}").format(role))
    rights = of(examined(**migrated_database)["postgres"], "rights")
    assert rights["level"] == "fault"
    assert "UPDATE on orders.payments" in rights["text"]
    assert "SELECT" not in rights["text"]


def test_a_database_that_only_reads_is_a_fault(migrated_database: Environ) -> None:
    name = sql.Identifier(migrated_database["POSTGRES_DB"])
    with connect(migrated_database, admin=True) as admin:
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        )
    writable = of(examined(**migrated_database)["postgres"], "writable")
    assert writable["level"] == "fault"
    assert "read-only" in writable["text"]


def test_a_superuser_is_a_warning(migrated_database: Environ) -> None:
    admin = migrated_database["POSTGRES_ADMIN_USER"], migrated_database["POSTGRES_ADMIN_PASSWORD"]
    login = dict(zip(("POSTGRES_USER", "POSTGRES_PASSWORD"), admin, strict=True))
    findings = examined(**migrated_database | login)["postgres"]
    assert levels(findings) == {"ok", "warning"}
    assert any("superuser" in each["text"] for each in findings)


def test_closed_reading_without_a_key_is_a_warning(migrated_database: Environ) -> None:
    environ = migrated_database | {"HTTP_AUTH": "api_key"}
    assert of(examined(**environ)["postgres"], "keys")["level"] == "warning"
    create = ["keys", "create", "shop", "--scope", "orders:read"]
    assert CliRunner().invoke(main, create, env=environ).exit_code == 0
    assert of(examined(**environ)["postgres"], "keys")["level"] == "ok"


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        ({"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": "1"}, "postgres"),
        ({"REDIS_URL": "redis://:hunter2@127.0.0.1:1"}, "redis"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "kafka"),
    ],
)
def test_a_port_where_nothing_listens_is_said_to_be(variables: Environ, part: str) -> None:
    reachable = of(examined(**variables)[part], "reachable")
    assert reachable["level"] == "fault"
    assert "nothing listens on 127.0.0.1:1" in reachable["text"]
    assert "hunter2" not in str(reachable)


def test_a_name_that_is_not_known_is_said_to_be() -> None:
    findings = examined(REDIS_URL="redis://no-such-host.invalid")["redis"]
    assert "not known" in of(findings, "reachable")["text"]


def test_a_server_that_accepts_and_says_nothing_costs_the_timeout_alone() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = str(silent.getsockname()[1])
        findings = examined("--timeout", "1", POSTGRES_HOST="127.0.0.1", POSTGRES_PORT=port)
    assert of(findings["postgres"], "reachable")["level"] == "ok"
    assert of(findings["postgres"], "answer")["level"] == "fault"


def test_a_cache_that_evicts_is_well(valkey_server: ValkeyServer, valkey: Redis) -> None:
    findings = examined(**valkey_server.environment())["redis"]
    assert levels(findings) == {"ok"}
    assert valkey.dbsize() == 0


@contextmanager
def configured(valkey: Redis, **settings: str) -> Iterator[None]:
    """Change settings of the server for the length of the block."""
    names = {name: name.replace("_", "-") for name in settings}
    before = {name: str(valkey.config_get(key)[key]) for name, key in names.items()}
    for name, value in settings.items():
        valkey.config_set(names[name], value)
    try:
        yield
    finally:
        for name, value in before.items():
            valkey.config_set(names[name], value)


def test_the_memory_policy_of_a_cache_matters(valkey_server: ValkeyServer, valkey: Redis) -> None:
    for settings, said in (
        ({"maxmemory_policy": "noeviction"}, "noeviction"),
        ({"maxmemory": "0"}, "all memory"),
    ):
        with configured(valkey, **settings):
            memory = of(examined(**valkey_server.environment())["redis"], "memory")
        assert memory["level"] == "warning"
        assert said in memory["text"]


def test_a_user_without_rights_on_the_keys_is_told_which(
    valkey_server: ValkeyServer, valkey: Redis
) -> None:
    valkey.acl_setuser(
        "poor", enabled=True, passwords=["+pw"], keys=["other:*"], categories=["+@all"]
    )
    try:
        url = f"redis://poor:pw@127.0.0.1:{valkey_server.port}"
        writable = of(examined(REDIS_URL=url)["redis"], "writable")
        wrong = of(examined(REDIS_URL=url.replace("pw", "hunter2"))["redis"], "login")
    finally:
        valkey.acl_deluser("poor")
    assert "order:v1:*" in writable["remedy"]
    assert wrong["level"] == "fault"
    assert "hunter2" not in str(wrong)


def test_a_replica_cannot_be_the_cache(tmp_path: Path, valkey_server: ValkeyServer) -> None:
    with started(ValkeyServer(tmp_path / "replica")) as replica:
        with closing(Redis(port=replica.port)) as client:
            client.replicaof("127.0.0.1", str(valkey_server.port))
        writable = of(examined(**replica.environment())["redis"], "writable")
    assert writable["level"] == "fault"
    assert "replica" in writable["text"]


def test_topics_that_the_consumer_will_make_are_hints_and_else_faults(
    kafka_server: KafkaServer,
) -> None:
    names = {"ORDERS_TOPIC": "absent", "ORDERS_DEAD_LETTER_TOPIC": "absent.letters"}
    environ = kafka_server.environment() | names
    for create, level in (("yes", "hint"), ("no", "fault")):
        findings = examined(**environ, KAFKA_CREATE_TOPICS=create)["kafka"]
        own = [f["level"] for f in findings if "topic absent" in f["text"]]
        assert own == [level, level]


@pytest.mark.apache_kafka
def test_a_dead_letter_topic_that_is_too_narrow_is_a_warning(
    kafka_server: KafkaServer, new_topic: NewTopic
) -> None:
    names = {"ORDERS_TOPIC": new_topic(2), "ORDERS_DEAD_LETTER_TOPIC": new_topic()}
    findings = examined(**kafka_server.environment() | names)["kafka"]
    assert of(findings, "limits")["level"] == "warning"
    assert "max.message.bytes" in of(findings, "limits")["remedy"]
    assert "2 partitions" in findings[2]["text"]
    assert "nothing yet" in of(findings, "group")["text"]


def test_ports_are_free_ours_or_anothers() -> None:
    assert levels(examined()["this machine"]) <= {"ok", "warning"}
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = int(other.getsockname()[1])
        findings = examined(HTTP_PORT=str(port))["this machine"]
    taken = of(findings, f"port {port}")
    assert taken["level"] == "fault"
    assert "http.port" in taken["remedy"]


def test_the_stack_that_runs_here_is_found_when_nothing_is_configured(
    tmp_path: Path, valkey_server: ValkeyServer
) -> None:
    folder = tmp_path / ".order-service"
    folder.mkdir()
    (folder / "stack.env").write_text(f"REDIS_URL=redis://127.0.0.1:{valkey_server.port}/0\n")
    assert levels(examined()["redis"]) == {"ok"}
    assert levels(examined("--no-stack")["redis"]) == {"hint"}
    named = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    assert levels(examined(**named)["redis"]) == {"hint"}
    assert levels(examined("--stack", **named)["redis"]) == {"ok"}


def test_a_stack_that_does_not_run_is_said_not_to() -> None:
    result = run("--stack")
    assert result.exit_code == 1
    assert "no `order-service run` runs there" in result.stderr


def test_people_get_a_sentence_and_what_to_do() -> None:
    result = run(REDIS_URL="redis://127.0.0.1:1")
    assert "fault    reachable     nothing listens on 127.0.0.1:1" in result.stdout
    assert "-> start the server, or correct the address (redis.url)" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 fault"
