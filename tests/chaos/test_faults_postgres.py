"""Every fault of Postgres: no message is lost, no hand is needed."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from producer.message import Message, encode
from tests.chaos.feed import Feed, orders
from tests.chaos.service import Service
from tests.chaos.stack import Stack
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka


def kill(stack: Stack) -> Callable[[], None]:
    stack.postgres.kill()
    return stack.postgres.start


def freeze(stack: Stack) -> Callable[[], None]:
    # The postmaster alone would leave the backends answering: the network freezes for all.
    stack.postgres.suspend()
    stack.postgres_proxy.hang()

    def thaw() -> None:
        stack.postgres.resume()
        stack.postgres_proxy.heal()

    return thaw


def crash(stack: Stack) -> Callable[[], None]:
    stack.postgres.stop_immediately()
    return stack.postgres.start


def read_only(stack: Stack) -> Callable[[], None]:
    stack.admin("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    stack.postgres_proxy.reset()

    def write_again() -> None:
        with psycopg.connect(stack.dsn, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")

    return write_again


def out_of_connections(stack: Stack) -> Callable[[], None]:
    role = stack.environ()["POSTGRES_USER"]
    stack.admin(f"ALTER ROLE {role} CONNECTION LIMIT 0")
    stack.postgres_proxy.reset()
    return lambda: stack.admin(f"ALTER ROLE {role} CONNECTION LIMIT -1")


def refuse_connections(stack: Stack) -> Callable[[], None]:
    stack.postgres_proxy.refuse()
    return stack.postgres_proxy.heal


def locked_tables(stack: Stack) -> Callable[[], None]:
    connection = psycopg.connect(stack.dsn)
    connection.execute("LOCK TABLE orders.orders IN ACCESS EXCLUSIVE MODE")
    return connection.close


@pytest.mark.parametrize(
    "fault",
    [kill, freeze, crash, read_only, out_of_connections, refuse_connections, locked_tables],
    ids=lambda fault: fault.__name__,
)
def test_an_outage_is_waited_for_and_nothing_is_lost(
    stack: Stack, consumer: Service, feed: Feed, fault: Callable[[Stack], Callable[[], None]]
) -> None:
    feed.produce(100)
    pid = consumer.pid
    mend = fault(stack)
    feed.produce(400)
    try:
        eventually(lambda: consumer.part("postgres").get("ok") is False, 20, "readiness fails")
    finally:
        mend()
    assert consumer.await_status(200, 20) < 20
    stack.check_set(feed)
    assert (consumer.pid, consumer.process.poll()) == (pid, None), "the very same process"


def test_a_restart_in_the_middle_of_a_stream_is_survived(
    stack: Stack, consumer: Service, feed: Feed
) -> None:
    feed.flow(2000)
    for _ in range(3):
        stack.await_rows(stack.count() + 100, 20)
        stack.postgres.stop()
        stack.postgres.start()
    stack.check_set(feed)
    assert consumer.process.poll() is None


def test_a_lost_reply_to_commit_stores_each_order_once(
    stack: Stack, consumer: Service, feed: Feed
) -> None:
    for _ in range(3):
        # The tag with which the server says that a statement is done, here: committed.
        lost = stack.postgres_proxy.lose_reply(b"SELECT ")
        feed.produce(100)
        assert lost.wait(10)
    stack.check_set(feed)
    assert consumer.metric("order_service_retries_total") > 0


@pytest.mark.parametrize("state", ["40001", "40P01", "53100", "57014", "58030", "XX000"])
def test_an_error_that_passes_is_retried(
    stack: Stack, consumer: Service, feed: Feed, state: str
) -> None:
    _raise_on_insert(stack, state)
    before = consumer.metric("order_service_retries_total")
    feed.produce(50)
    eventually(lambda: consumer.metric("order_service_retries_total") > before, 15, "it is retried")
    stack.admin("DROP TRIGGER broken ON orders.items")
    assert stack.check_set(feed).repeated_letters == 0


def _raise_on_insert(stack: Stack, state: str) -> None:
    stack.admin(
        f"""CREATE OR REPLACE FUNCTION orders.broken() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{state}'; END $$""",
        "CREATE TRIGGER broken BEFORE INSERT ON orders.items EXECUTE FUNCTION orders.broken()",
    )


def test_a_real_deadlock_is_retried(stack: Stack, consumer: Service, feed: Feed) -> None:
    messages = feed.produce(200)
    stack.await_drained()
    stop = threading.Event()
    locker = threading.Thread(target=_lock_backwards, args=(stack, stop))
    locker.start()
    try:
        for _ in range(5):
            feed.produce(300)
        feed.send(messages)
        stack.await_drained()
    finally:
        stop.set()
        locker.join()
    stack.check_set(feed)
    assert consumer.process.poll() is None


def _lock_backwards(stack: Stack, stop: threading.Event) -> None:
    """Update rows in the order opposite to that of the service, over and over."""
    with psycopg.connect(stack.dsn) as connection:
        while not stop.is_set():
            query = "SELECT order_uid FROM orders.orders ORDER BY stored_at DESC LIMIT 50"
            uids = sorted((row[0] for row in connection.execute(query)), reverse=True)
            try:
                for uid in uids:
                    connection.execute(
                        "SELECT 1 FROM orders.orders WHERE order_uid = %s FOR UPDATE", [uid]
                    )
            except psycopg.errors.DeadlockDetected:
                connection.rollback()
            connection.rollback()
            time.sleep(0.01)  # paces the disturbance, nothing is awaited


def test_what_the_database_alone_refuses_costs_exactly_the_guilty_message(
    stack: Stack, feed: Feed
) -> None:
    stack.admin("ALTER TABLE orders.items ADD CONSTRAINT picky CHECK (brand <> 'refused')")
    messages = orders(7, 300)
    guilty = {7, 8, 123, 299}
    spoilt = [
        _rebranded(message) if index in guilty else message
        for index, message in enumerate(messages)
    ]
    feed.send(spoilt)
    stack.await_drained()
    refused = [x for found in stack.letters().values() for x in found]
    refused = [x for x in refused if x.reason == "refused_by_storage"]
    assert sorted(x.value or b"" for x in refused) == sorted(
        m.value for i, m in enumerate(spoilt) if i in guilty
    )
    for letter in refused:
        feed.valid[letter.value or b""] = False
    stack.check_set(feed)
    stack.admin("ALTER TABLE orders.items DROP CONSTRAINT picky")


def _rebranded(message: Message) -> Message:
    order = json.loads(message.value)
    order["items"][-1]["brand"] = "refused"
    return replace(message, value=encode(order))


def test_two_writers_of_one_order_leave_no_items_of_the_older_version(
    stack: Stack, feed: Feed
) -> None:
    """What another writer commits while ours waits for it is not in our statement's snapshot."""
    sample, message = orders(71, 2)
    feed.send([sample])
    stack.await_drained()
    uid = message.key.decode()
    with psycopg.connect(stack.dsn) as rival:
        for table in ("orders", "deliveries", "payments", "items"):
            rival.execute(_COPY.format(table=table).encode(), [uid, sample.key.decode()])
        rival.execute(
            """INSERT INTO orders.items SELECT (jsonb_populate_record(i,
            jsonb_build_object('position', 1000))).* FROM orders.items i
            WHERE order_uid = %s AND position = 1""",
            [uid],
        )
        feed.send([message])
        eventually(lambda: _waits_for_lock(stack), 10, "the consumer waits for the rival")
    stack.check_set(feed)


_COPY = """INSERT INTO orders.{table} SELECT (jsonb_populate_record(t,
jsonb_build_object('order_uid', %s::text))).* FROM orders.{table} t WHERE order_uid = %s"""


def _waits_for_lock(stack: Stack) -> bool:
    query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'incoming'"
    with psycopg.connect(stack.dsn) as connection:
        return connection.execute(query).fetchone() is not None
