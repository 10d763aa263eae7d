"""The pollers of points against an accrual system that answers at once."""

import contextlib
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence

import psycopg

from benchmarks import command
from benchmarks.harness import Goal, Row, Scale
from benchmarks.points import process_of, running_database, settled
from order_service.contexts.loyalty.wiring.poller import Pollers
from order_service.embedded.ports import free_port
from order_service.embedded.postgres import PostgresServer

_ADD = """
    INSERT INTO loyalty.orders (number, owner)
    SELECT
        (%(first)s + n)::text,
        ('00000000-0000-4000-8000-' || lpad((n %% 1000)::text, 12, '0'))::uuid
    FROM generate_series(1, %(count)s) AS n
"""
_LEFT = "SELECT EXISTS (SELECT FROM loyalty.orders WHERE due_at IS NOT NULL)"
_STARTS_WITHIN = 20.0


@contextlib.contextmanager
def _fast_accrual() -> Iterator[str]:
    """Yield the address of an accrual system in a process of its own."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.baselines.fast_accrual", str(port)]
    )
    try:
        deadline = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), 0.2),
            ):
                break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _add(server: PostgresServer, numbers: int) -> None:
    with psycopg.connect(server.admin_dsn(), autocommit=True) as admin:
        first = uuid.uuid4().int % 10**12 * 10**6
        admin.execute(_ADD, {"first": first, "count": numbers})
    settled(server)


def _polled(server: PostgresServer, numbers: int, **environ: str) -> float:
    """Return how many numbers a second one process finishes."""
    _add(server, numbers)
    with (
        psycopg.connect(server.admin_dsn(), autocommit=True) as admin,
        process_of(environ) as process,
    ):
        began = time.perf_counter()
        pollers = Pollers(process)
        for thread in pollers.start():
            process.ends(thread)
        while admin.execute(_LEFT).fetchone() == (True,):
            time.sleep(0.02)
        return numbers / (time.perf_counter() - began)


def run(scale: Scale) -> Sequence[Row]:
    """Measure one process of pollers with the default settings."""
    numbers = min(scale.orders, 20_000)
    with _fast_accrual() as address, running_database() as (server, environ):
        polled = {**environ, "LOYALTY_ACCRUAL_ADDRESS": address}
        rates = [_polled(server, numbers, **polled) for _ in range(scale.pairs)]
    return [
        Row(
            "Numbers that one poller process asks about and credits",
            "",
            Goal(1500, at_least=True, unit="numbers/s"),
            rates,
            (),
            "numbers/s",
            f"{numbers:,} numbers of 1,000 people, four threads, a durable Postgres; the accrual "
            "system is a process on the same cores.",
        )
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
