"""A shop whose relays, consumers, Kafka and Postgres die and freeze, while people buy.

Messages come twice and out of order on top of it. In the end each acknowledged purchase is settled,
each approved one was debited once, and every balance is what came in minus what was paid.

`make chaos SHOP=1 SEED=7 MINUTES=10` runs a schedule for as long as one likes, with at least 50,000
purchases; without a duration a short one of a fixed seed runs.
"""

import contextlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from order_service.embedded.server import KafkaServer
from order_service.ledger.checking import check_balances
from tests.chaos.schedule import FAULTS, Fault, Mend
from tests.chaos.service import Service
from tests.chaos.shop_customers import Customers
from tests.chaos.stack import Stack, running_stack
from tests.integration.service_process import command
from tests.ledgers import run_of
from tests.shop import WORKERS, open_shop
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka

SEED = int(os.environ.get("CHAOS_SEED") or 13)
MINUTES = float(os.environ.get("CHAOS_MINUTES") or 0)
SECONDS = MINUTES * 60 or 25.0
PURCHASES = 50_000 if MINUTES else 1_500
CUSTOMERS = 8


def _lose_commit(stack: Stack, _: Sequence[Service], __: random.Random) -> Mend:
    stack.postgres_proxy.lose_reply(b"COMMIT\0")
    return stack.postgres_proxy.heal


SHOP_FAULTS = (
    *(each for each in FAULTS if not each.name.startswith(("redis", "reply"))),
    Fault("reply to COMMIT lost", _lose_commit, 2),
)


@pytest.mark.timeout(SECONDS * 6 + 600)
def test_whatever_dies_what_was_bought_is_paid_for_once(
    tmp_path: Path, kafka_server: KafkaServer
) -> None:
    with running_stack(tmp_path, kafka_server) as stack:
        stack.create_topics()
        services = [stack.worker(name) for name in (*WORKERS, *WORKERS)]
        for service in services:
            service.await_status(200, 60)
        with open_shop(stack.environ()) as shop:
            customers = Customers(shop, CUSTOMERS, SEED, PURCHASES)
            customers.start()
            with _repeating(stack):
                faults = _break_things(stack, services)
            customers.finish(SECONDS * 4 + 300)
        _revive(services)
        _await_quiet(stack)
        census = _check(stack, customers)
        print(f"seed {SEED}: {faults} {census}")  # noqa: T201 - the summary


def _break_things(stack: Stack, services: list[Service]) -> Counter[str]:
    """Break things until the time is up; return how often each fault occurred."""
    done, dice = Counter[str](), random.Random(SEED)  # noqa: S311 - repeatable on purpose
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        fault = dice.choice(SHOP_FAULTS)
        done[fault.name] += 1
        mend = fault.begin(stack, services, dice)
        try:
            time.sleep(dice.uniform(0.05, fault.longest))  # as the schedule has it
        finally:
            mend()
        time.sleep(dice.uniform(0.1, 1.5))
        _revive(services)
    return done


def _revive(services: Sequence[Service]) -> None:
    """Start again what ended itself, as a supervisor would."""
    for service in services:
        if service.process.poll() is not None:
            service.start()


@contextmanager
def _repeating(stack: Stack) -> Iterator[None]:
    """Publish messages again that were published before, in another order."""
    over = threading.Event()
    thread = threading.Thread(target=_repeat, args=(stack, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _repeat(stack: Stack, over: threading.Event) -> None:
    dice, kept = random.Random(SEED), []  # noqa: S311 - no secret
    environ = stack.environ()
    topics = [environ["CHECKOUT_REQUESTS_TOPIC"], environ["CHECKOUT_SETTLEMENTS_TOPIC"]]
    reading = {"auto_offset_reset": "earliest", "enable_auto_commit": False}
    with (
        closing(KafkaConsumer(*topics, **stack.options, **reading, group_id=None)) as consumer,
        closing(KafkaProducer(**stack.options, retries=0, max_block_ms=1_000)) as producer,
    ):
        while not over.wait(0.2):
            for records in consumer.poll(timeout_ms=100).values():
                kept += [each for each in records if dice.random() < 0.1]
            kept = kept[-2_000:]
            for record in dice.sample(kept, min(len(kept), 20)):
                _send_again(producer, record)


def _send_again(producer: KafkaProducer, record: Any) -> None:  # noqa: ANN401 - untyped library
    with contextlib.suppress(KafkaError):  # the brokers are away: one copy less
        producer.send(record.topic, record.value, key=record.key, headers=list(record.headers))


def _await_quiet(stack: Stack) -> None:
    left = """
        SELECT (SELECT count(*) FROM checkout.outbox), (SELECT count(*) FROM payments.outbox),
            (SELECT count(*) FROM checkout.purchases WHERE awaiting_since IS NOT NULL)
    """
    with psycopg.connect(stack.dsn, autocommit=True) as admin:
        what = f"nothing is left behind; see {stack.folder}"
        eventually(lambda: admin.execute(left).fetchone() == (0, 0, 0), 240, what)


def _check(stack: Stack, customers: Customers) -> dict[str, int]:
    with psycopg.connect(stack.dsn, autocommit=True) as admin:
        statuses = _check_purchases(admin, customers)
        _check_payments(admin)
        _check_balances(admin, customers)
        found = [*check_balances(run_of(admin), "payments")]
    assert sum(each.owners for each in found) == CUSTOMERS
    assert [each.differences for each in found if each.differences] == []
    around = stack.environ() | {"POSTGRES_PORT": str(stack.postgres.port)}
    done = command(around, "reconcile", "--younger-than", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    return statuses


def _check_purchases(
    admin: "psycopg.Connection[tuple[Any, ...]]", customers: Customers
) -> dict[str, int]:
    """Every purchase that was acknowledged is there once, and settled; no other one is."""
    rows = admin.execute("SELECT id::text, status FROM checkout.purchases").fetchall()
    promised = [each for told in customers.promised.values() for each in told.purchases]
    assert len(promised) == PURCHASES
    assert sorted(promised) == sorted(id_ for id_, _ in rows)
    statuses = Counter(status for _, status in rows)
    assert statuses.keys() <= {"approved", "rejected", "cancelled", "refunded"}
    assert statuses["approved"] > 0
    return dict(statuses)


def _check_payments(admin: "psycopg.Connection[tuple[Any, ...]]") -> None:
    """What is approved was debited once, what is refunded was given back once."""
    wrong = admin.execute("""
        SELECT purchase.id, status, debits, credits
        FROM checkout.purchases AS purchase
        LEFT JOIN LATERAL (
            SELECT count(*) FILTER (WHERE reverses IS NULL AND entry.amount = quantity * price)
                    AS debits,
                count(*) FILTER (WHERE reverses IS NOT NULL AND entry.amount = quantity * price)
                    AS credits,
                count(*) AS entries
            FROM payments.entries AS entry
            WHERE entry.owner = purchase.owner
                AND (transfer = purchase.id OR reverses = purchase.id)
        ) AS moved ON true
        WHERE CASE status
            WHEN 'approved' THEN (debits, credits, entries) <> (1, 0, 1)
            WHEN 'refunded' THEN (debits, credits, entries) <> (1, 1, 2)
            WHEN 'cancelled' THEN debits <> credits OR entries > 2
            ELSE entries > 0
        END
    """).fetchall()
    assert wrong == []


def _check_balances(admin: "psycopg.Connection[tuple[Any, ...]]", customers: Customers) -> None:
    """A balance is what came in, minus what is approved; what was refunded cancels out."""
    rows = admin.execute("""
        SELECT wallet.owner::text,
            coalesce(sum(balance.credited - balance.debited), 0)::bigint,
            (SELECT coalesce(sum(quantity * price), 0)::bigint FROM checkout.purchases
             WHERE owner = wallet.owner AND status = 'approved')
        FROM payments.wallets AS wallet
        LEFT JOIN payments.balances AS balance
            ON balance.owner = wallet.owner AND balance.account = 'wallet:USD'
        GROUP BY wallet.owner
    """).fetchall()
    found = {owner: balance + spent for owner, balance, spent in rows}
    assert found == {owner: told.deposits for owner, told in customers.promised.items()}
    assert min(balance for _, balance, _ in rows) >= 0
