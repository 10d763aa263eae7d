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

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from order_service.embedded.server import KafkaServer
from tests.chaos.schedule import FAULTS, Fault, Mend
from tests.chaos.service import Service
from tests.chaos.shop_check import await_quiet, check_shop
from tests.chaos.shop_customers import Customers
from tests.chaos.stack import Stack, running_stack
from tests.shop import WORKERS, open_shop

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
        await_quiet(stack.dsn)
        around = stack.environ() | {"POSTGRES_PORT": str(stack.postgres.port)}
        census = check_shop(stack.dsn, around, customers)
        assert census["approved"] > 0
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
