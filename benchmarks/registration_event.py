"""From a registration to its event on the topic: how long other systems do not know of a person."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import quantiles

from confluent_kafka import Consumer

from benchmarks import command
from benchmarks.harness import Row, Scale, at_most, say
from benchmarks.shop import OPEN_TO_ALL, post
from benchmarks.stack import Process, Stack, await_that, running_stack

_TOPIC = "registration"
_PER_S = 10.0
"""Registrations a second: each hashes a password, which takes a core for some 20 ms."""


class _Listening:
    """Reads the topic and notes when each person's event came."""

    def __init__(self, stack: Stack) -> None:
        self.came: dict[str, float] = {}
        brokers = stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": f"listening-{uuid.uuid4()}",
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 10,
            }
        )
        self._consumer.subscribe([_TOPIC])

    def until(self, end: float) -> None:
        """Read until `end`, in seconds of `time.perf_counter`."""
        while (left := end - time.perf_counter()) > 0:
            message = self._consumer.poll(left)
            if message is not None and not message.error():
                self.came[(message.key() or b"").decode()] = time.perf_counter()

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


@contextmanager
def _listening(stack: Stack) -> Iterator[_Listening]:
    listening = _Listening(stack)
    try:
        yield listening
    finally:
        listening.close()


def _waits(stack: Stack, api: Process, count: int) -> list[float]:
    """Return the milliseconds from each answer to the event; 0 where the event was first."""
    answered: dict[str, float] = {}
    with _listening(stack) as listening:
        began = time.perf_counter()
        for number in range(count):
            listening.until(began + number / _PER_S)
            person = {"login": uuid.uuid4().hex, "password": "correct horse battery"}
            found = post(api.port, "/auth/registration", person)
            answered[str(found["user_id"])] = time.perf_counter()
        await_that(lambda: _all_came(listening, answered), "all events have come")
        return [max(0.0, listening.came[each] - answered[each]) * 1e3 for each in answered]


def _all_came(listening: _Listening, answered: dict[str, float]) -> bool:
    listening.until(time.perf_counter() + 0.05)
    return answered.keys() <= listening.came.keys()


def run(scale: Scale) -> Sequence[Row]:
    """Measure on one stack."""
    count = round(scale.seconds * _PER_S * 3)
    with running_stack(with_kafka=True) as stack:
        stack.create_topic(_TOPIC)
        with (
            stack.api(**OPEN_TO_ALL) as api,
            stack.process("order_service", "work", "accounts-relay") as relay,
        ):
            relay.await_status("/health/ready")
            _waits(stack, api, 10)
            runs = [_waits(stack, api, count) for _ in range(scale.pairs)]
    figures = [say("p99 ms", quantiles(waits, n=100)[98]) for waits in runs]
    return [
        Row(
            "From a registration to its event on the topic, 99th percentile",
            "",
            at_most(200, "ms"),
            figures,
            [],
            "ms",
            f"{count} registrations a run, {_PER_S:g}/s over HTTP, one relay; from the answer to "
            "the arrival at a consumer; everything runs on the same cores.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
