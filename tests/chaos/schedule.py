"""A seeded schedule of faults for a running service: the same seed, the same faults in turn."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from tests.chaos.service import Service
from tests.chaos.stack import Stack

Mend = Callable[[], object]


class Fault(NamedTuple):
    """Something that breaks, and its longest duration in seconds."""

    name: str
    begin: Callable[[Stack, Sequence[Service], Random], Mend]
    longest: float


class Step(NamedTuple):
    """A fault, how long it lasts, and the quiet after it, in seconds."""

    fault: Fault
    lasting: float
    quiet: float


def schedule(seed: int) -> Iterator[Step]:
    """Yield steps without end."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    while True:
        fault = random.choice(FAULTS)
        lasting = random.uniform(0.05, fault.longest)
        yield Step(fault, lasting, random.uniform(0.1, 1.5))


def _nothing() -> None:
    """Mend what mends itself."""


def _kill_postgres(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    stack.postgres.kill()
    return stack.postgres.start


def _stop_postgres(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    stack.postgres.stop()
    return stack.postgres.start


def _freeze_postgres(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    stack.postgres_proxy.hang()
    return stack.postgres_proxy.heal


def _cut_postgres(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    stack.postgres_proxy.refuse()
    return stack.postgres_proxy.heal


def _lose_reply(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    stack.postgres_proxy.lose_reply(b"SELECT ")
    return stack.postgres_proxy.heal


def _slow_postgres(stack: Stack, _: Sequence[Service], random: Random) -> Mend:
    stack.postgres_proxy.delay = random.uniform(0.01, 0.3)
    return stack.postgres_proxy.heal


def _lock_out(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    role = stack.environ()["POSTGRES_USER"]
    stack.admin(f"ALTER ROLE {role} CONNECTION LIMIT 0")
    stack.postgres_proxy.reset()
    return lambda: stack.admin(f"ALTER ROLE {role} CONNECTION LIMIT -1")


def _kill_valkey(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    stack.valkey.kill()
    return stack.valkey.start


def _hang_valkey(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    stack.valkey.suspend()
    return stack.valkey.resume


def _flush_valkey(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    with stack.redis as redis:
        redis.flushall()
    return _nothing


def _kill_kafka(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    stack.kafka.kill()
    return stack.kafka.start


def _hang_kafka(stack: Stack, _: Sequence[Service], __: Random) -> Mend:
    stack.kafka.suspend()
    return stack.kafka.resume


def _kill_service(_: Stack, services: Sequence[Service], random: Random) -> Mend:
    service = random.choice(services)
    service.kill()
    return service.start


def _stop_service(_: Stack, services: Sequence[Service], random: Random) -> Mend:
    service = random.choice(services)
    service.stop()
    return service.start


def _freeze_service(_: Stack, services: Sequence[Service], random: Random) -> Mend:
    service = random.choice(services)
    service.suspend()
    return service.resume


FAULTS = (
    Fault("postgres killed", _kill_postgres, 3),
    Fault("postgres stopped", _stop_postgres, 3),
    Fault("postgres frozen", _freeze_postgres, 6),
    Fault("postgres cut off", _cut_postgres, 4),
    Fault("postgres slow", _slow_postgres, 4),
    Fault("reply to COMMIT lost", _lose_reply, 2),
    Fault("no connection left", _lock_out, 3),
    Fault("redis killed", _kill_valkey, 3),
    Fault("redis hung", _hang_valkey, 4),
    Fault("redis flushed", _flush_valkey, 0.1),
    Fault("kafka killed", _kill_kafka, 3),
    Fault("kafka hung", _hang_kafka, 6),
    Fault("process killed", _kill_service, 1),
    Fault("process stopped", _stop_service, 1),
    Fault("process frozen", _freeze_service, 6),
)
