"""Whatever comes again, from whenever: what was paid for is paid for once."""

import subprocess
import uuid
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from order_service.contexts.checkout.events import REQUESTED, PaymentBody, payment_message
from order_service.contexts.checkout.storage import OUTBOX
from order_service.infra.kafka.clients import Connection
from order_service.infra.postgres.database import Database
from tests.backends import Environ, committed_of, connect, process_of, records_of
from tests.integration.service_process import command
from tests.shop import DELIVERY, Person, Shop, working
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka

WAIT_S = 60.0


def rich(shop: Shop, amount: int = 100_000) -> Person:
    """Somebody with money."""
    person = shop.person()
    person.open_wallet()
    assert person.deposit(amount).status_code == 200
    return person


def rows(environ: Environ, query: str) -> list[tuple[Any, ...]]:
    with connect(environ, admin=True) as admin:
        return admin.execute(query.encode()).fetchall()


def quiet(environ: Environ) -> None:
    """Wait until no message is left behind and nothing is awaited."""
    count = (
        "SELECT (SELECT count(*) FROM checkout.outbox) + (SELECT count(*) FROM payments.outbox)"
        " + (SELECT count(*) FROM checkout.purchases WHERE awaiting_since IS NOT NULL)"
    )
    eventually(lambda: rows(environ, count) == [(0,)], WAIT_S, "nothing is left behind")


def drained(connection: Connection, group: str, topic: str) -> None:
    """Wait until a group has committed all of a topic."""

    def lag() -> int:
        ends: dict[int, int] = {}
        for record in records_of(connection, topic):
            ends[record.partition] = record.offset + 1
        return sum(
            end - (committed_of(connection, group, topic, partition) or 0)
            for partition, end in ends.items()
        )

    eventually(lambda: lag() == 0, WAIT_S, f"{topic} is drained")


def rewind(connection: Connection, group: str, topic: str, partitions: Sequence[int]) -> None:
    """Set the offsets of a group, that nobody is a member of, to the beginning."""
    settings = connection.settings() | {"client_id": "tests"}
    with closing(KafkaConsumer(**settings, group_id=group, enable_auto_commit=False)) as consumer:
        consumer.assign([TopicPartition(topic, number) for number in partitions])
        consumer.commit(
            {TopicPartition(topic, n): OffsetAndMetadata(0, "", -1) for n in partitions},
            timeout_ms=10_000,
        )


def read_all_requests_again(connection: Connection, environ: Environ) -> None:
    """Set payments back to the first request."""
    group, topic = environ["PAYMENTS_GROUP_ID"], environ["CHECKOUT_REQUESTS_TOPIC"]
    rewind(connection, group, topic, (0, 1))


def copy_of(producer: KafkaProducer, records: Sequence[Any]) -> None:
    """Publish records again, as they are."""
    for record in records:
        producer.send(
            record.topic,
            record.value,
            key=record.key,
            partition=record.partition,
            headers=list(record.headers),
        )
    producer.flush(timeout=30)


def reconcile(environ: Environ) -> "subprocess.CompletedProcess[bytes]":
    return command(environ, "reconcile", "--younger-than", "0")


def agreed(environ: Environ) -> None:
    done = reconcile(environ)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_refund_gives_the_money_back_once(shop: Shop, shop_environ: Environ) -> None:
    person = rich(shop)
    with working(shop_environ):
        purchase = person.buy(2_500, delivery=DELIVERY)
        assert person.settled(purchase)["status"] == "approved"
        assert person.change(purchase, "cancellation").status_code == 409
        assert person.change(purchase, "retry").status_code == 409
        assert {person.change(purchase, "refund").status_code for _ in range(3)} <= {200, 202}
        eventually(lambda: person.status(purchase) == "refunded", WAIT_S, "it is refunded")
        assert person.change(purchase, "refund").status_code == 200
        quiet(shop_environ)
    assert person.balance() == 100_000
    kinds = [each["kind"] for each in person.get("/wallet/entries")["entries"]]
    assert kinds == ["reversal", "purchase", "deposit"]
    agreed(shop_environ)


def test_days_bound_a_customer_and_no_administrator(shop: Shop, shop_environ: Environ) -> None:
    person, admin = rich(shop), shop.person("admin")
    with working(shop_environ):
        purchase = person.buy(100)
        person.settled(purchase)
        with connect(shop_environ, admin=True) as database:
            database.execute(
                "UPDATE checkout.purchases SET settled_at = settled_at - interval '15 days'"
            )
        assert person.change(purchase, "refund").status_code == 409
        path = f"/admin/purchases/{purchase}/refund"
        assert person.ask("POST", path).status_code == 403
        assert admin.ask("POST", path).status_code == 202
        eventually(lambda: person.status(purchase) == "refunded", WAIT_S, "it is refunded")
    assert person.balance() == 100_000


def test_a_cancelled_purchase_costs_nothing(shop: Shop, shop_environ: Environ) -> None:
    person = rich(shop)
    bought = [person.buy(100) for _ in range(4)]
    for purchase in bought[::2]:
        assert person.change(purchase, "cancellation").status_code == 202
    with working(shop_environ):
        quiet(shop_environ)
    assert [person.status(each) for each in bought] == ["cancelled", "approved"] * 2
    assert person.balance() == 100_000 - 200
    agreed(shop_environ)


def test_asking_again_and_again_pays_once(shop: Shop, shop_environ: Environ) -> None:
    person = rich(shop)
    impatient = shop_environ | {"CHECKOUT_ASK_AGAIN_AFTER": "0.1"}
    purchases = [person.buy(100) for _ in range(5)]
    with working(impatient, "checkout-settlements", "checkout-relay"):
        asked = "SELECT min(asked) > 0 FROM checkout.purchases"
        eventually(lambda: rows(shop_environ, asked) == [(True,)], WAIT_S, "it is asked again")
    with working(shop_environ):
        assert {person.settled(each)["status"] for each in purchases} == {"approved"}
        quiet(shop_environ)
    assert person.balance() == 100_000 - 500
    agreed(shop_environ)


def test_replayed_topics_change_nothing(
    shop: Shop, shop_environ: Environ, kafka_connection: Connection, producer: KafkaProducer
) -> None:
    person = rich(shop, 1_000)
    topics = [shop_environ["CHECKOUT_REQUESTS_TOPIC"], shop_environ["PAYMENTS_SETTLEMENTS_TOPIC"]]
    with working(shop_environ):
        bought = [person.buy(300) for _ in range(5)]
        statuses = [person.settled(each)["status"] for each in bought]
        refunded = bought[0]
        person.change(refunded, "refund")
        eventually(lambda: person.status(refunded) == "refunded", WAIT_S, "it is refunded")
        quiet(shop_environ)
        before = [person.status(each) for each in bought], person.balance()
        for topic in topics:
            copy_of(producer, records_of(kafka_connection, topic))
        # Ids that the inboxes have forgotten must not matter either.
        with connect(shop_environ, admin=True) as admin:
            admin.execute("TRUNCATE checkout.inbox, payments.inbox")
        for topic in topics:
            copy_of(producer, records_of(kafka_connection, topic)[::-1])
        for group, topic in zip(("PAYMENTS_GROUP_ID", "CHECKOUT_GROUP_ID"), topics, strict=True):
            drained(kafka_connection, shop_environ[group], topic)
        quiet(shop_environ)
    assert statuses == ["approved"] * 3 + ["rejected"] * 2
    assert ([person.status(each) for each in bought], person.balance()) == before
    assert before[1] == 1_000 - 600
    agreed(shop_environ)


def test_offsets_that_are_reset_change_nothing(
    shop: Shop, shop_environ: Environ, kafka_connection: Connection
) -> None:
    person = rich(shop)
    with working(shop_environ):
        bought = [person.buy(100, delivery=DELIVERY) for _ in range(6)]
        assert {person.settled(each)["status"] for each in bought} == {"approved"}
        quiet(shop_environ)
    with connect(shop_environ, admin=True) as admin:
        admin.execute("TRUNCATE checkout.inbox, payments.inbox")
    sides = [
        (shop_environ["PAYMENTS_GROUP_ID"], shop_environ["CHECKOUT_REQUESTS_TOPIC"]),
        (shop_environ["CHECKOUT_GROUP_ID"], shop_environ["CHECKOUT_SETTLEMENTS_TOPIC"]),
    ]
    for group, topic in sides:
        rewind(kafka_connection, group, topic, (0, 1))
    with working(shop_environ):
        for group, topic in sides:
            drained(kafka_connection, group, topic)
        quiet(shop_environ)
    assert person.balance() == 100_000 - 600
    orders = {record.key for record in records_of(kafka_connection, shop_environ["ORDERS_TOPIC"])}
    assert len(orders) == 6
    agreed(shop_environ)


def dumped(environ: Environ, schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables of a schema hold, but for messages: those of yesterday are sent."""
    tables = rows(environ, f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'")  # noqa: S608
    return {
        name: rows(environ, f"SELECT * FROM {schema}.{name}")  # noqa: S608
        for (name,) in tables
        if name != "outbox"
    }


def restored(environ: Environ, schema: str, dump: dict[str, list[tuple[Any, ...]]]) -> None:
    """Bring back what the tables held."""
    with connect(environ, admin=True) as admin, admin.transaction():
        admin.execute(f"TRUNCATE {', '.join(f'{schema}.{name}' for name in dump)}".encode())
        for name, kept in dump.items():
            for row in kept:
                marks = ", ".join(["%s"] * len(row))
                table = f"{schema}.{name}"
                insert = f"INSERT INTO {table} OVERRIDING SYSTEM VALUE VALUES ({marks})"  # noqa: S608
                admin.execute(insert.encode(), row)


def test_yesterdays_payments_are_made_up_for_by_a_reset(
    shop: Shop, shop_environ: Environ, kafka_connection: Connection
) -> None:
    """Requests since the backup are read again and debited; only deposits since are lost."""
    person = rich(shop)
    with working(shop_environ):
        old = person.buy(100)
        person.settled(old)
        quiet(shop_environ)
        backup = dumped(shop_environ, "payments")
        new = [person.buy(1_000) for _ in range(3)]
        assert {person.settled(each)["status"] for each in new} == {"approved"}
        quiet(shop_environ)
    restored(shop_environ, "payments", backup)
    assert person.balance() == 99_900
    told = reconcile(shop_environ)
    assert told.returncode == 1
    assert told.stdout.decode().splitlines() == [
        f"purchases {each}: payments says nothing, checkout says paid 1000" for each in new
    ]
    read_all_requests_again(kafka_connection, shop_environ)
    with working(shop_environ):
        eventually(lambda: person.balance() == 96_900, WAIT_S, "they are debited again")
        quiet(shop_environ)
    agreed(shop_environ)


def test_what_was_rejected_before_a_restore_costs_nothing_after_it(
    shop: Shop, shop_environ: Environ, kafka_connection: Connection
) -> None:
    """Deposits are booked again first, so the wallet suffices now for what it did not then."""
    person = rich(shop, 10)
    with working(shop_environ):
        quiet(shop_environ)
        backup = dumped(shop_environ, "payments")
        rejected = person.buy(50, delivery=DELIVERY)
        assert person.settled(rejected)["reason"] == "insufficient_funds"
        person.deposit(200)
        quiet(shop_environ)
    restored(shop_environ, "payments", backup)
    person.deposit(200)
    read_all_requests_again(kafka_connection, shop_environ)
    with working(shop_environ):
        eventually(
            lambda: person.status(rejected) == "cancelled", WAIT_S, "what was taken goes back"
        )
        quiet(shop_environ)
    assert person.balance() == 210
    assert person.get(f"/purchases/{rejected}")["order_uid"] is None
    assert records_of(kafka_connection, shop_environ["CHECKOUT_ORDERS_TOPIC"]) == []
    agreed(shop_environ)


def test_yesterdays_purchases_catch_up_and_lost_ones_are_told(
    shop: Shop, shop_environ: Environ, kafka_connection: Connection
) -> None:
    """What was pending in the backup is settled; what began after it, only payments knows."""
    person = rich(shop)
    pending = [person.buy(100) for _ in range(2)]
    backup = dumped(shop_environ, "checkout")
    with working(shop_environ):
        assert {person.settled(each)["status"] for each in pending} == {"approved"}
        lost = person.buy(500)
        assert person.settled(lost)["status"] == "approved"
        quiet(shop_environ)
    restored(shop_environ, "checkout", backup)
    assert {person.status(each) for each in pending} == {"pending"}
    rewind(
        kafka_connection,
        shop_environ["CHECKOUT_GROUP_ID"],
        shop_environ["CHECKOUT_SETTLEMENTS_TOPIC"],
        (0, 1),
    )
    with working(shop_environ):
        assert {person.settled(each)["status"] for each in pending} == {"approved"}
        letters = f"{shop_environ['CHECKOUT_SETTLEMENTS_TOPIC']}.dead-letters"
        eventually(
            lambda: (
                lost.encode() in b"".join(r.value for r in records_of(kafka_connection, letters))
            ),
            WAIT_S,
            "the answer about the lost purchase is a dead letter",
        )
        quiet(shop_environ)
    assert person.balance() == 100_000 - 700
    told = reconcile(shop_environ)
    assert told.returncode == 1
    assert told.stdout.decode() == (
        f"purchases {lost}: payments says paid 500, checkout says nothing\n"
    )
    unknown = str(uuid.uuid4())
    for _ in range(2):
        done = command(shop_environ, "payments", "give-back", "--yes", unknown, lost)
        assert done.returncode == 3
        assert done.stdout.decode() == f"{lost}: refunded 500 USD\n"
        assert done.stderr.decode() == f"{unknown}: payments was never asked about it\n"
        assert person.balance() == 100_000 - 200


def test_poison_goes_to_the_dead_letters_and_nothing_waits_behind_it(
    shop: Shop, shop_environ: Environ, kafka_connection: Connection, producer: KafkaProducer
) -> None:
    person = rich(shop)
    requests = shop_environ["CHECKOUT_REQUESTS_TOPIC"]
    with working(shop_environ):
        first = person.buy(100)
        person.settled(first)
        (good,) = records_of(kafka_connection, requests)
        producer.send(requests, b"garbage", key=good.key)
        producer.send(requests, b"{}", key=good.key, headers=list(good.headers))
        producer.flush(timeout=30)
        assert person.settled(person.buy(100))["status"] == "approved"
        letters = f"{requests}.dead-letters"
        eventually(
            lambda: len(records_of(kafka_connection, letters)) >= 1, WAIT_S, "letters arrive"
        )
    assert person.balance() == 100_000 - 200


def test_a_request_with_another_amount_is_no_second_payment(
    shop: Shop, shop_environ: Environ, kafka_connection: Connection
) -> None:
    person = rich(shop)
    with working(shop_environ):
        purchase = person.buy(100)
        person.settled(purchase)
        body = PaymentBody(uuid.UUID(purchase), person.id, 200, "USD")
        forged = payment_message(REQUESTED, body, shop_environ["CHECKOUT_REQUESTS_TOPIC"], "")
        with process_of(shop_environ) as process:
            database: Database = process.database(1)
            database.run("forge", lambda opened: OUTBOX.add(opened, forged))
        letters = f"{shop_environ['CHECKOUT_REQUESTS_TOPIC']}.dead-letters"
        eventually(
            lambda: (
                [dict(r.headers)["reason"] for r in records_of(kafka_connection, letters)]
                == [b"conflicting_request"]
            ),
            WAIT_S,
            "it is a dead letter",
        )
    assert person.balance() == 100_000 - 100


def test_the_services_role_cannot_rewrite_what_was_paid(shop: Shop, shop_environ: Environ) -> None:
    rich(shop)
    with connect(shop_environ, admin=False) as service:
        for statement in (
            "UPDATE payments.entries SET amount = 1",
            "DELETE FROM payments.entries",
            "DELETE FROM payments.payments",
            "DELETE FROM payments.wallets",
            "DELETE FROM checkout.purchases",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(statement.encode())
