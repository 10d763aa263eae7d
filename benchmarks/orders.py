"""Realistic orders in any number: the producer's, and copies of them with ids of their own."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import NamedTuple

from producer.generator import OrderGenerator

_DISTINCT = 5_000
"""Orders that are generated; making one takes as long as storing one."""


class Sample(NamedTuple):
    """A message of the topic."""

    uid: str
    body: bytes


@cache
def _generated() -> Sequence[Sample]:
    generator = OrderGenerator(1, datetime(2026, 11, 1, tzinfo=UTC))
    messages = [generator.message() for _ in range(_DISTINCT)]
    return [Sample(message.key.decode(), message.value) for message in messages]


def samples(count: int, seed: int = 1) -> Iterator[Sample]:
    """Yield `count` valid orders with random ids, no id twice; the same ones for a seed."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    generated = _generated()
    for number in range(count):
        uid, body = generated[number % _DISTINCT]
        own = f"{random.getrandbits(76):019x}"
        yield Sample(own, body.replace(uid.encode(), own.encode()))
