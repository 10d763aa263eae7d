"""Every poisonous message becomes exactly one dead letter that explains it, and nothing else."""

import json
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer

from tests.chaos.corpus import Poison, corpus
from tests.chaos.feed import Place
from tests.chaos.set_check import Letter, stored_rows
from tests.chaos.stack import Stack

pytestmark = pytest.mark.apache_kafka

CORPUS = corpus()
REFUSED = [poison for poison in CORPUS if poison.reason]
VALID = [poison for poison in CORPUS if not poison.reason]


@pytest.fixture(scope="module")
def places(stack: Stack) -> Iterator[dict[str, Place]]:
    """Where each message of the corpus stands, once all are consumed."""
    stack.create_topics()
    consumer = stack.consumer()
    consumer.await_status(200, 30)
    places = _send(stack)
    stack.await_drained(60)
    assert consumer.process.poll() is None, "the consumer survived"
    yield places
    assert consumer.stop() == 0


def _send(stack: Stack) -> dict[str, Place]:
    producer = KafkaProducer(**stack.options, max_request_size=4_000_000, acks="all")
    sent = [(p.name, producer.send(stack.topic, p.value, key=p.key)) for p in CORPUS]
    producer.flush(30)
    found = {name: future.get(0) for name, future in sent}
    producer.close()
    return {name: Place(each.partition, each.offset) for name, each in found.items()}


@pytest.fixture(scope="module")
def letters(stack: Stack, places: dict[str, Place]) -> dict[Place, list[Letter]]:
    assert places
    return stack.letters()


def test_the_corpus_has_no_name_twice() -> None:
    assert len({poison.name for poison in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("poison", REFUSED, ids=lambda poison: poison.name)
def test_it_becomes_one_dead_letter_that_explains_it(
    poison: Poison, places: dict[str, Place], letters: dict[Place, list[Letter]]
) -> None:
    (letter,) = letters[places[poison.name]]
    assert letter.reason == poison.reason, letter.headers["faults"]
    assert (letter.key, letter.value) == (poison.key, poison.value)
    assert json.loads(letter.headers["faults"])


@pytest.mark.parametrize("poison", VALID, ids=lambda poison: poison.name)
def test_an_odd_order_is_stored(
    poison: Poison,
    stack: Stack,
    places: dict[str, Place],
    letters: dict[Place, list[Letter]],
) -> None:
    assert places[poison.name] not in letters
    order = json.loads(poison.value or b"")
    row = stored_rows(stack.dsn)[order["order_uid"]]
    assert row["customer_id"] == order["customer_id"]
    assert row["payment"] == order["payment"]
    assert row["items"] == order["items"]


def test_nothing_but_the_valid_orders_is_stored(stack: Stack, places: dict[str, Place]) -> None:
    assert len(places) == len(CORPUS)
    assert stack.count() == len(VALID)
