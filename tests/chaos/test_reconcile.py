"""What a failover took from the tables is found in the topic, and brought back from it."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import psycopg
import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from order_service.contexts.orders.ingest import prepare
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from producer.message import Message, encode
from tests.backends import free_port, process_environ, process_of
from tests.builders import ROOT
from tests.builders import Message as Record
from tests.chaos import set_check
from tests.chaos.feed import Feed, Place, orders
from tests.chaos.service import Service
from tests.chaos.stack import PARTITIONS, Stack
from tests.integration.service_process import command
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka

RECONCILE = ("reconcile", "--topic")
SENT = 1500
_TABLES = ("items", "payments", "deliveries", "orders")
_STREAM = "SELECT DISTINCT source_stream::text FROM orders.orders"
_DIGESTS = "SELECT order_uid, encode(digest, 'hex') FROM orders.orders"

_MOVE = """
    UPDATE orders.orders SET source_offset = %s, digest = decode(repeat('00', 16), 'hex')
    WHERE order_uid = %s
"""


class Result(NamedTuple):
    """How a command ended."""

    code: int
    found: list[dict[str, Any]]
    total: dict[str, Any]
    told: str

    def uids(self, lack: str) -> set[str]:
        """Which orders were found to lack in that way."""
        return {each["id"] for each in self.found if each["lack"] == lack}


def reconcile(stack: Stack, *arguments: str, **changes: str) -> Result:
    """Run the command; its numbers are on the last line."""
    done = command(stack.environ() | changes, *RECONCILE, "--json", *arguments)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return Result(done.returncode, lines[:-1], lines[-1] if lines else {}, done.stderr.decode())


def versions(stack: Stack, feed: Feed) -> dict[str, list[tuple[Place, bytes]]]:
    """Return the valid messages of each order, oldest first, none twice in a row."""
    found: dict[str, list[tuple[Place, bytes]]] = {}
    for place, value in sorted(set_check.read_topic(stack.options, stack.topic).items()):
        if feed.valid[value]:
            known = found.setdefault(json.loads(value)["order_uid"], [])
            if not known or known[-1][1] != value:
                known.append((place, value))
    return found


def lose(stack: Stack, uids: Sequence[str]) -> None:
    """Take orders out of all tables, as a failover would."""
    with psycopg.connect(stack.dsn) as connection:
        for table in _TABLES:
            statement = f"DELETE FROM orders.{table} WHERE order_uid = ANY (%s)"  # noqa: S608
            connection.execute(statement.encode(), [list(uids)])


def set_back(stack: Stack, first: dict[str, tuple[Place, bytes]]) -> None:
    """Have the tables hold orders as an earlier message had them."""
    lose(stack, list(first))
    with psycopg.connect(stack.dsn) as connection:
        ((stream,),) = connection.execute(_STREAM).fetchall()
    records = [Record(value, place.offset, place.partition) for place, value in first.values()]
    with process_of(stack.environ()) as process:
        saved = PostgresOrders(process.database(1, ISOLATION))
        saved.save([each.record for each in prepare(records, stream).candidates])


def digests(stack: Stack) -> dict[str, str]:
    with psycopg.connect(stack.dsn) as connection:
        return dict(connection.execute(_DIGESTS).fetchall())


def move(stack: Stack, uid: str, offset: int) -> None:
    """Say that the content of an order is another one, which came with this offset."""
    with psycopg.connect(stack.dsn) as connection:
        connection.execute(_MOVE, [offset, uid])


def cached(stack: Stack, uid: str) -> bytes:
    """Return the digest that the cache has of an order."""
    with stack.redis as redis:
        value = cast("bytes", redis.get(f"order:v1:{uid}") or b"")
    return value[:32]


class Loss(NamedTuple):
    """What was taken from the tables."""

    missing: set[str]
    outdated: set[str]


@pytest.fixture(scope="module")
def sent(feed: Feed) -> int:
    """All sorts of messages are in the topic: so many."""
    feed.produce(SENT)
    return SENT


@pytest.fixture
def loss(stack: Stack, consumer: Service, feed: Feed, sent: int) -> Iterator[Loss]:
    """A consumed topic, and a failover that lost some of what its messages had done."""
    assert consumer.pid
    assert sent
    feed.produce(100)
    stack.check_set(feed)
    known = versions(stack, feed)
    chosen = random.Random(7)  # noqa: S311 - any will do
    changed = sorted(uid for uid, each in known.items() if len(each) > 1)
    outdated = set(chosen.sample(changed, 25))
    missing = set(chosen.sample(sorted(known.keys() - outdated), 60))
    set_back(stack, {uid: known[uid][0] for uid in outdated})
    lose(stack, sorted(missing))
    with stack.redis as redis:
        for uid in (*outdated, *missing):
            redis.set(f"order:v1:{uid}", b"absent")
    yield Loss(missing, outdated)
    assert reconcile(stack, "--repair").code == 0


def test_exactly_what_was_lost_is_found_and_nothing_is_changed(
    stack: Stack, feed: Feed, loss: Loss
) -> None:
    before = digests(stack)
    done = reconcile(stack)
    assert done.code == 1
    assert (done.uids("missing"), done.uids("outdated")) == (loss.missing, loss.outdated)
    last = {uid: each[-1] for uid, each in versions(stack, feed).items()}
    values = set_check.read_topic(stack.options, stack.topic)
    for each in done.found:
        assert values[Place(each["partition"], each["offset"])] == last[each["id"]][1]
    assert digests(stack) == before
    total = done.total
    assert (total["missing"], total["outdated"]) == (len(loss.missing), len(loss.outdated))
    assert total["messages"] == len(values)
    assert total["dead_letters"] == sum(not feed.valid[value] for value in values.values()) > 0
    assert (total["in_flight"], total["cut_partitions"]) == (0, [])


def test_a_repair_brings_back_exactly_what_was_lost(
    stack: Stack, consumer: Service, feed: Feed, loss: Loss
) -> None:
    done = reconcile(stack, "--repair")
    assert done.code == 0, done.told
    assert done.total["repaired"] == {
        "created": len(loss.missing),
        "replaced": len(loss.outdated),
        "unchanged": 0,
        "refused": 0,
        "gone": 0,
    }
    assert f"{len(loss.missing)} created, {len(loss.outdated)} replaced" in done.told
    assert stack.check_set(feed).rows == stack.count()
    stored = digests(stack)
    for uid in loss.missing | loss.outdated:
        assert cached(stack, uid) == stored[uid].encode()
    assert consumer.await_status(200, 5) < 5
    again = reconcile(stack)
    assert (again.code, again.found) == (0, [])


def test_a_repair_beside_a_consumer_at_work_undoes_nothing(
    stack: Stack, consumer: Service, feed: Feed, loss: Loss
) -> None:
    stored = consumer.metric("order_service_messages_total")
    feed.flow(500)
    eventually(
        lambda: consumer.metric("order_service_messages_total") > stored, 20, "messages flow"
    )
    done = reconcile(stack, "--repair")
    assert done.code == 0, done.told
    # Newer versions of some have come meanwhile.
    assert done.uids("missing") <= loss.missing
    assert done.uids("outdated") <= loss.outdated
    repaired = done.total["repaired"]
    assert sum(repaired.values()) == len(done.found) > 0
    assert (repaired["refused"], repaired["gone"]) == (0, 0)
    stack.check_set(feed)


def test_people_are_told_line_by_line(stack: Stack, loss: Loss) -> None:
    done = command(stack.environ(), *RECONCILE, "--since", "2h")
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, len(lines)) == (1, len(loss.missing) + len(loss.outdated))
    assert sum(": missing, see offset " in line for line in lines) == len(loss.missing)
    told = done.stderr.decode().splitlines()
    assert told[0].endswith(f"to what the group {stack.group} has committed")
    assert f"orders: {len(loss.missing)} missing, {len(loss.outdated)} outdated" in told[-1]


def test_only_what_was_sent_since_then_is_read(stack: Stack, loss: Loss) -> None:
    assert loss.missing
    nothing = reconcile(stack, "--since", "2100-01-01T00:00:00Z")
    assert (nothing.code, nothing.total["messages"]) == (0, 0)
    assert reconcile(stack, "--since", "1d").total["messages"] > 0


def test_what_the_group_has_not_committed_is_in_flight(stack: Stack, loss: Loss, sent: int) -> None:
    assert loss.missing
    done = reconcile(stack, ORDERS_GROUP_ID=f"{stack.group}-new")
    assert (done.code, done.total["messages"]) == (0, 0)
    assert done.total["in_flight"] >= sent
    assert done.total["uncommitted_partitions"] == list(range(PARTITIONS))
    assert "has committed nothing in partition 0, 1, 2, 3" in done.told


def test_a_newer_row_than_the_topic_knows_is_left_alone(
    stack: Stack, consumer: Service, feed: Feed
) -> None:
    assert consumer.pid
    (message,) = orders(61, 1)
    earlier = encode(json.loads(message.value) | {"entry": "EARLIER"})
    feed.send([replace(message, value=earlier), message])
    stack.await_drained()
    uid = message.key.decode()
    move(stack, uid, 1_000_000)
    try:
        done = reconcile(stack, "--repair")
        assert (done.code, done.found) == (0, [])
        assert digests(stack)[uid] == "0" * 32
    finally:
        move(stack, uid, 0)
    done = reconcile(stack, "--repair")
    assert done.uids("outdated") == {uid}, done


def test_what_the_database_refuses_is_a_dead_letter_and_not_missing(
    stack: Stack, consumer: Service, feed: Feed
) -> None:
    assert consumer.pid
    fine, lost = (json.loads(each.value) | {"entry": "REFUSED"} for each in orders(62, 2))
    feed.send([Message(lost["order_uid"].encode(), encode(lost), valid=True, kind="order")])
    stack.await_drained()
    lose(stack, [lost["order_uid"]])
    stack.admin("ALTER TABLE orders.orders ADD CONSTRAINT none CHECK (entry <> 'REFUSED')")
    try:
        # One was refused when it came, the other one is refused now.
        feed.send([Message(fine["order_uid"].encode(), encode(fine), valid=False, kind="order")])
        stack.await_drained()
        done = reconcile(stack)
        assert done.uids("missing") == {lost["order_uid"]}, done
        done = reconcile(stack, "--repair")
        assert (done.code, done.total["repaired"]["refused"]) == (0, 1)
    finally:
        stack.admin("ALTER TABLE orders.orders DROP CONSTRAINT none")
    assert reconcile(stack, "--repair").total["repaired"]["created"] == 1
    stack.check_set(feed)


def test_what_retention_has_taken_is_told(fresh: Stack) -> None:
    consumer = fresh.consumer()
    consumer.await_status(200, 30)
    with fresh.feed() as feed:
        feed.produce(100)
        fresh.await_drained()
        lose(fresh, [json.loads(value)["order_uid"] for value in feed.valid if feed.valid[value]])
    admin = KafkaAdminClient(**fresh.options)
    admin.delete_records({TopicPartition(fresh.topic, 0): 3})
    admin.close()
    done = reconcile(fresh, "--since", "1d", "--repair")
    assert done.code == 0, done.told
    assert done.total["cut_partitions"] == [0]
    assert "what stood before offset 3 of partition 0 is not in the topic any more" in done.told
    assert fresh.count() == len(done.found) > 0


def test_a_backend_that_is_away_ends_the_command_and_is_named(stack: Stack, loss: Loss) -> None:
    assert loss.missing
    stack.postgres_proxy.refuse()
    try:
        done = reconcile(stack, "--repair")
    finally:
        stack.postgres_proxy.heal()
    assert done.code == 1
    assert "Error: Postgres cannot be used, try again" in done.told
    done = reconcile(stack, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}")
    assert done.code == 1
    assert "Error: Kafka cannot be used, try again" in done.told
    done = reconcile(stack, ORDERS_TOPIC="absent")
    assert (done.code, "Error: there is no topic absent" in done.told) == (1, True)


def test_ctrl_c_ends_it(stack: Stack, loss: Loss) -> None:
    assert loss.missing
    stack.postgres_proxy.hang()
    try:
        running = subprocess.Popen(
            [sys.executable, "-m", "order_service", *RECONCILE],
            cwd=ROOT,
            env=process_environ(stack.environ()),
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert running.stderr
        # On a busy machine a library may have said something before.
        assert any(b"has committed" in line for line in running.stderr)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=20)
    finally:
        stack.postgres_proxy.heal()
    assert (running.returncode, told.strip().splitlines()[-1]) == (1, b"Aborted!")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--repair"],
        ["--since", "2h"],
        ["--topic", "--younger-than", "5"],
        ["--topic", "--since", "yesterday"],
    ],
)
def test_options_that_do_not_go_together_are_refused(stack: Stack, arguments: list[str]) -> None:
    assert command(stack.environ(), "reconcile", *arguments).returncode == 2
