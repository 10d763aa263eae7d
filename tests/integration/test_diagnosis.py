"""What `doctor` asks of servers is told by its caller: rights, checks, topics, kinds of keys."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from redis import Redis

from order_service.embedded.server import KafkaServer
from order_service.embedded.valkey import ValkeyServer
from order_service.infra.addresses import parse_addresses
from order_service.infra.diagnosis import kafka, postgres, redis
from order_service.infra.diagnosis.finding import Finding, hint
from order_service.infra.kafka.clients import Connection
from order_service.infra.kafka.topic import Topic
from order_service.infra.postgres.conninfo import DatabaseServer, Login
from order_service.infra.redis.client import ClientOptions, connect
from tests.backends import Environ, NewTopic
from tests.backends import connect as connect_postgres


def login(environ: Environ, role: str) -> Login:
    return Login(environ[f"POSTGRES_{role}USER"], environ[f"POSTGRES_{role}PASSWORD"])


def look(
    environ: Environ,
    rights: postgres.Rights | None = None,
    migrations: frozenset[str] = frozenset(),
    checks: Sequence[postgres.Check] = (),
) -> dict[str, Finding]:
    place = environ["POSTGRES_HOST"], int(environ["POSTGRES_PORT"]), environ["POSTGRES_DB"]
    target = postgres.PostgresTarget(
        DatabaseServer([place[:2]], *place[2:], 3.0), login(environ, ""), "postgres.host"
    )
    demands = postgres.Demands(rights or {}, migrations, login(environ, "ADMIN_"), checks, pool=1)
    return {found.subject: found for found in postgres.look(target, demands)}


def test_the_rights_are_those_that_were_asked_for(migrated_database: Environ) -> None:
    may = {"orders.items": ("DELETE",), "access.api_keys": ("SELECT",)}
    assert look(migrated_database, rights=may)["rights"].level == "ok"
    may_not = {"orders.orders": ("DELETE", "SELECT"), "nowhere.x": ("INSERT",)}
    rights = look(migrated_database, rights=may_not)["rights"]
    assert rights.level == "fault"
    assert "lacks DELETE on orders.orders, INSERT on nowhere.x" in rights.text


def test_a_check_is_asked_as_the_services_role_and_may_fail(migrated_database: Environ) -> None:
    def whoami(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
        [row] = connection.execute("SELECT current_user").fetchall()
        yield hint("whoami", str(row[0]))

    def forbidden(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
        connection.execute("SELECT * FROM pg_authid")
        yield hint("forbidden", "")

    found = look(migrated_database, checks=[forbidden, whoami])
    assert found["whoami"].text == migrated_database["POSTGRES_USER"]
    assert "forbidden" not in found
    assert "connections" in found


def test_migrations_are_compared_by_their_whole_ids(migrated_database: Environ) -> None:
    wanted = frozenset({"orders/0001-create-orders", "access/0001-create-orders"})
    with connect_postgres(migrated_database, admin=True) as admin:
        admin.execute("DELETE FROM _yoyo_migration WHERE migration_id NOT LIKE 'orders/0001%'")
    found = look(migrated_database, migrations=wanted)["migrations"]
    assert (found.level, found.text) == ("fault", "1 not applied: access/0001-create-orders")


def test_each_topic_is_looked_at_for_what_it_needs(
    kafka_server: KafkaServer, kafka_connection: Connection, new_topic: NewTopic
) -> None:
    read, written, group = new_topic(2), new_topic(), "diagnosis"
    commit(kafka_connection, group, read)
    target = kafka.KafkaTarget(
        addresses=parse_addresses(kafka_server.environment()["KAFKA_BOOTSTRAP_SERVERS"]),
        connection=kafka_connection,
        topics=[
            Topic(read, ("Read",), group, max_bytes=1000),
            Topic(written, ("Write",), max_bytes=1000),
            Topic("absent", ("Write",), group, max_bytes=1000),
        ],
        creates=False,
        timeout=3.0,
    )
    found = list(kafka.look(target))
    topics = [each for each in found if each.subject == "topic"]
    assert [each.level for each in topics] == ["ok", "ok", "fault"]
    assert [read in topics[0].text, written in topics[1].text] == [True, True]
    (lag,) = [each for each in found if each.subject == "group"]
    assert lag.text == f"{group} is 0 messages behind in {read}"
    (limits,) = [each for each in found if each.subject == "limits"]
    assert written in limits.text


def commit(connection: Connection, group: str, topic: str) -> None:
    """Have the group commit the beginning of the topic."""
    settings = connection.settings() | {"client_id": "tests"}
    reader = KafkaConsumer(**settings, group_id=group, enable_auto_commit=False)
    with closing(reader):
        partition = TopicPartition(topic, 0)
        reader.assign([partition])
        reader.commit({partition: OffsetAndMetadata(0, "", -1)})


@pytest.mark.parametrize(
    ("prefixes", "level"), [([], "ok"), (["a:", "b:"], "ok"), (["a:", "c:", "b:"], "fault")]
)
def test_each_kind_of_key_is_tried(
    valkey_server: ValkeyServer, valkey: Redis, prefixes: list[str], level: str
) -> None:
    keys = ["a:*", "b:*"]
    valkey.acl_setuser("two", enabled=True, passwords=["+pw"], keys=keys, categories=["+@all"])
    try:
        with closing(
            connect(ClientOptions(f"redis://two:pw@127.0.0.1:{valkey_server.port}", 1.0, 2))
        ) as client:
            target = redis.RedisTarget([], "redis.url", client, prefixes, 1.0, 3.0)
            found = {each.subject: each for each in redis.look(target)}
    finally:
        valkey.acl_deluser("two")
    assert found["writable"].level == level
    assert ("c:*" in found["writable"].remedy) == (level == "fault")
    assert valkey.dbsize() == 0
