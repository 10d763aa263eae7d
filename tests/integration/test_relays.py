"""Relays on real servers: nothing lost, nothing overtaken, everything once in effect."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from psycopg import sql

from order_service.context.brokers import kafka_connection as connection_of
from order_service.context.brokers import make_producer
from order_service.context.relaying import Relaying
from order_service.embedded.apache_kafka import ApacheKafka
from order_service.embedded.server import KafkaServer
from order_service.infra.kafka.clients import Connection
from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import Query
from order_service.infra.retry import Policy, Retry
from order_service.messaging.dead_letters import DeadLettersUnavailableError, KafkaDeadLetters
from order_service.messaging.errors import InvalidMessageError
from order_service.messaging.inbox import (
    Inbox,
    InboxHandler,
    IncomingMessage,
    Rejections,
    Storage,
)
from order_service.messaging.outbox import Outbox, OutgoingMessage
from order_service.messaging.outbox.admin import OutboxAdmin
from order_service.messaging.outbox.postgres_lease import LEASE
from tests.backends import Environ, NewTopic, Record, config_of, connect, process_of, records_of
from tests.integration.relay_process import relaying
from tests.messaging_tables import message, schema_in
from tests.unit.messaging_fakes import InboxTold
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka

WAIT_S = 60.0
KEYS = 20


class Bench(NamedTuple):
    """An outbox, a topic, and how to look at both."""

    environ: Environ
    schema: str
    topic: str
    database: Database
    connection: Connection

    def add(self, *messages: OutgoingMessage) -> None:
        self.database.run("add", lambda opened: Outbox(self.schema).add(opened, *messages))

    def empty(self) -> bool:
        return OutboxAdmin(self.database, self.schema).list(1).total == 0

    def drained(self) -> None:
        eventually(self.empty, WAIT_S, "the outbox is empty")

    def records(self) -> list[Record]:
        return records_of(self.connection, self.topic)

    def copies(self) -> dict[str, list[int]]:
        """The numbers of each key as they arrived, copies and all."""
        found: dict[str, list[int]] = defaultdict(list)
        for record in self.records():
            found[record.key.decode()].append(int(record.value))
        return found

    def arrived(self) -> dict[str, list[int]]:
        """The numbers of each key in the order of their first copies."""
        return {key: list(dict.fromkeys(numbers)) for key, numbers in self.copies().items()}


@pytest.fixture
def bench(
    shared_database: Environ,
    database: Database,
    kafka_server: KafkaServer,
    kafka_connection: Connection,
    new_topic: NewTopic,
) -> Iterator[Bench]:
    environ = shared_database | kafka_server.environment()
    with schema_in(environ) as schema:
        yield Bench(environ, schema, new_topic(3), database, kafka_connection)


@contextmanager
def writing(bench: Bench, pause: float = 0.01) -> Iterator[Callable[[], dict[str, list[int]]]]:
    """Add messages of all keys all the time; gives what stops it and says what was committed."""
    stopping, committed = threading.Event(), defaultdict(list)

    def write() -> None:
        for number in itertools.count():
            bench.add(*(message(bench.topic, f"k{key}", b"%d" % number) for key in range(KEYS)))
            for key in range(KEYS):
                committed[f"k{key}"].append(number)
            if stopping.wait(pause):
                return

    thread = threading.Thread(target=write)
    thread.start()

    def stop() -> dict[str, list[int]]:
        stopping.set()
        thread.join()
        return dict(committed)

    try:
        yield stop
    finally:
        stop()


def test_what_is_committed_arrives_with_its_envelope(bench: Bench) -> None:
    added = message(bench.topic, "a", b"7")
    with relaying(bench.environ, bench.schema) as (relay,):
        bench.add(added)
        bench.drained()
        assert relay.stop() == 0
    (record,) = bench.records()
    assert (record.key, record.value) == (b"a", b"7")
    headers = {name: value.decode() for name, value in record.headers}
    assert headers == added.envelope.headers()


def test_several_relays_keep_the_order_of_each_key(bench: Bench) -> None:
    with relaying(bench.environ, bench.schema, 3), writing(bench) as stop:
        eventually(lambda: len(bench.records()) > 100 * KEYS, WAIT_S, "messages arrive")
        committed = stop()
        bench.drained()
    assert bench.copies() == committed, "nothing failed, and yet there are copies"


def test_relays_that_are_killed_lose_nothing_and_have_successors(bench: Bench) -> None:
    with writing(bench) as stop, relaying(bench.environ, bench.schema, 2) as (first, _):
        for _ in range(3):
            before = len(bench.records())
            with relaying(bench.environ, bench.schema) as (doomed,):
                eventually(lambda: len(bench.records()) > before + 1000, WAIT_S, "they arrive")  # noqa: B023
                doomed.kill()
        first.kill()
        committed = stop()
        bench.drained()
    assert bench.arrived() == committed


def test_a_frozen_relay_that_comes_back_overtakes_nothing(bench: Bench) -> None:
    with writing(bench) as stop, relaying(bench.environ, bench.schema, 2) as (one, two):
        for frozen in (one, two):
            eventually(lambda: len(bench.records()) > 1000, WAIT_S, "messages arrive")
            frozen.freeze()
            before = complete_rounds(bench)
            # What the frozen one works on, too.
            eventually(lambda: complete_rounds(bench) > before + 50, LEASE + WAIT_S, "all go on")  # noqa: B023
            frozen.thaw()
        committed = stop()
        bench.drained()
    assert bench.arrived() == committed


def complete_rounds(bench: Bench) -> int:
    """Numbers of which every key has arrived."""
    return min(map(len, bench.arrived().values()))


def test_a_message_that_its_topic_refuses_stops_its_key_alone(bench: Bench) -> None:
    large = message(bench.topic, "a", b"1".zfill(2_000_000))
    small = [message(bench.topic, key, value) for key in "ab" for value in (b"2", b"3")]
    bench.add(message(bench.topic, "a", b"0"), large, *small)
    admin = OutboxAdmin(bench.database, bench.schema)
    with relaying(bench.environ, bench.schema):
        eventually(lambda: admin.list(9, blocked=True).messages, WAIT_S, "it is blocked")
        eventually(lambda: admin.list(9).total == 3, WAIT_S, "the others leave")
    (blocked,) = admin.list(9, blocked=True).messages
    assert blocked.attempts > 0
    assert "larger than the topic admits" in (blocked.last_error or "")
    assert bench.copies() == {"a": [0], "b": [2, 3]}


def test_a_topic_that_does_not_exist_holds_up_no_other(bench: Bench, new_topic: NewTopic) -> None:
    other = bench._replace(topic=new_topic())
    bench.add(message("absent", "a"), message("absent", "b"), message(other.topic, "a", b"1"))
    admin = OutboxAdmin(bench.database, bench.schema)
    with relaying(bench.environ, bench.schema):
        eventually(lambda: admin.list(9).total == 2, WAIT_S, "the other leaves")
        eventually(lambda: admin.list(9).blocked == 2, WAIT_S, "they are blocked")
        bench.add(message(other.topic, "b", b"2"))
        eventually(lambda: admin.list(9).total == 2, 5, "others still leave at once")
    assert {each.last_error for each in admin.list(9).messages} == {"there is no topic absent"}
    assert other.copies() == {"a": [1], "b": [2]}


def test_messages_wait_for_a_broker_that_is_away(
    shared_database: Environ, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        closing_server(ApacheKafka(tmp_path_factory.mktemp("kafka"))) as kafka,
        schema_in(shared_database) as schema,
    ):
        kafka.create_topic("topic", 3)
        environ = shared_database | kafka.environment()
        connection = connection_of(config_of(environ).kafka)
        bench = Bench(environ, schema, "topic", database, connection)
        with relaying(environ, schema, 2), writing(bench, 0.1) as stop:
            eventually(lambda: len(bench.records()) > 10 * KEYS, WAIT_S, "messages arrive")
            kafka.stop(timeout=10.0)
            waiting = OutboxAdmin(database, schema)
            eventually(lambda: waiting.list(1).total > 20 * KEYS, WAIT_S, "messages wait")
            kafka.start()
            committed = stop()
            bench.drained()
        assert bench.arrived() == committed


@contextmanager
def closing_server(server: ApacheKafka) -> Iterator[ApacheKafka]:
    server.start()
    try:
        yield server
    finally:
        server.stop(timeout=5.0)


class Noting:
    """Effects: a row for each message, and an answer in the outbox."""

    def __init__(self, schema: str, answers: str) -> None:
        table = sql.Identifier(schema, "effects")
        text = sql.SQL("INSERT INTO {} (key, number) VALUES (%(key)s, %(number)s)").format(table)
        self._insert = Query("note", text.as_string(None))
        self._outbox, self._answers = Outbox(schema), answers

    def decode(self, message: IncomingMessage) -> int:
        try:
            return int(message.value or b"")
        except ValueError:
            raise InvalidMessageError("no_number", {}) from None

    def apply(self, transaction: Transaction, message: IncomingMessage, content: int) -> None:
        key = (message.key or b"").decode()
        transaction.execute(self._insert, {"key": key, "number": content})
        self._outbox.add(transaction, _answer(self._answers, key, content))


def _answer(topic: str, key: str, number: int) -> OutgoingMessage:
    return message(topic, key, b"%d" % number)


def handler_on(bench: Bench, answers: str, dead: str) -> tuple[InboxHandler[int], InboxTold]:
    stopping, told = threading.Event(), InboxTold()
    policy = Policy(5, 0.01, 0.1)
    producer = make_producer(config_of(bench.environ))
    return (
        InboxHandler(
            Noting(bench.schema, answers),
            Storage(
                bench.database,
                Inbox(bench.schema),
                Retry("postgres", policy, (UnavailableError,), stopping),
            ),
            Rejections(
                KafkaDeadLetters(producer, dead),
                Retry("kafka", policy, (DeadLettersUnavailableError,), stopping),
            ),
            told,
        ),
        told,
    )


def effects(bench: Bench) -> dict[str, list[int]]:
    had: dict[str, list[int]] = defaultdict(list)
    with connect(bench.environ, admin=True) as admin:
        table = sql.Identifier(bench.schema, "effects")
        for key, number in admin.execute(
            sql.SQL("SELECT key, number FROM {} ORDER BY id").format(table)
        ):
            had[key].append(number)
    return had


def batches(records: Sequence[Record], size: int) -> Iterator[Sequence[Record]]:
    for start in range(0, len(records), size):
        yield records[start : start + size]


def test_copies_have_one_effect_and_one_answer(bench: Bench, new_topic: NewTopic) -> None:
    answers, dead = new_topic(), new_topic()
    with writing(bench) as stop, relaying(bench.environ, bench.schema, 2) as (one, _):
        eventually(lambda: len(bench.records()) > 1000, WAIT_S, "messages arrive")
        one.kill()
        committed = stop()
        bench.drained()
    records = bench.records()
    handler, told = handler_on(bench, answers, dead)
    for batch in [*batches(records, 97), *batches(records, 31)]:
        handler.store(handler.prepare(batch, None))
    assert effects(bench) == committed
    total = sum(map(len, committed.values()))
    assert told.counted == {
        "handled": total,
        "duplicates": 2 * len(records) - total,
        "rejected": 0,
    }
    with relaying(bench.environ, bench.schema):
        bench.drained()
    assert bench._replace(topic=answers).arrived() == committed


def test_two_consumers_of_one_message_have_one_effect(bench: Bench, new_topic: NewTopic) -> None:
    """As after a rebalance, when the one that lost a partition is still at it."""
    answers, dead = new_topic(), new_topic()
    bench.add(*(message(bench.topic, f"k{number % 5}", b"%d" % number) for number in range(300)))
    with relaying(bench.environ, bench.schema):
        bench.drained()
    records = bench.records()

    def consume() -> None:
        handler, _ = handler_on(bench, answers, dead)
        for batch in batches(records, 50):
            handler.store(handler.prepare(batch, None))

    threads = [threading.Thread(target=consume) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert effects(bench) == bench.arrived()


def test_a_poisoned_message_becomes_a_dead_letter_and_the_others_have_their_effect(
    bench: Bench, new_topic: NewTopic
) -> None:
    answers, dead = new_topic(), new_topic()
    values = [b"1", b"x", b"2", b"9" * 30, b"3"]
    bench.add(*(message(bench.topic, "a", value) for value in values))
    with relaying(bench.environ, bench.schema):
        bench.drained()
    handler, told = handler_on(bench, answers, dead)
    records = bench.records()
    handler.store(handler.prepare(records, None))
    assert effects(bench) == {"a": [1, 2, 3]}
    assert told.counted == {"handled": 3, "duplicates": 0, "rejected": 2}
    letters = [dict(record.headers) for record in records_of(bench.connection, dead)]
    assert [letter["reason"] for letter in letters] == [b"no_number", b"refused_by_storage"]
    original = dict(records[1].headers)
    assert letters[0]["original-id"] == original["id"]
    assert letters[0]["original-type"] == b"test.happened.v1"


def test_a_relay_is_a_work_of_a_process(bench: Bench) -> None:
    with process_of(bench.environ) as process:
        work = Relaying(process, bench.schema, ())
        thread = threading.Thread(target=work.run)
        thread.start()
        bench.add(message(bench.topic, "a", b"1"))
        bench.drained()
        assert all(check.state().ok for check in work.checks)
        published = process.registry.get_sample_value(
            "order_service_outbox_published_total", {"context": bench.schema}
        )
        process.stopping.set()
        thread.join(WAIT_S)
        assert published == 1
