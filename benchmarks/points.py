"""A durable database for the benchmarks of points, and threads that keep it busy."""

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from order_service.bootstrap.contexts import installed
from order_service.bootstrap.migrate import make_migrator
from order_service.context.process import Process
from order_service.embedded.postgres import PostgresServer
from order_service.infra.resources import bundled

THREADS = 8


@contextlib.contextmanager
def running_database() -> Iterator[tuple[PostgresServer, Mapping[str, str]]]:
    """Yield a migrated server that keeps what it acknowledges, and its addresses."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(Path(folder) / "postgres", durable=True)
        try:
            server.start()
            environ = server.environment()
            os.environ.update(environ)
            config = installed().load_config(bundled("config.yml"), environ)
            make_migrator(config).up()
            yield server, environ
        finally:
            server.stop(timeout=10.0)


@contextlib.contextmanager
def process_of(environ: Mapping[str, str]) -> Iterator[Process]:
    """Yield a process of the service with these addresses."""
    with Process(installed().load_config(bundled("config.yml"), environ)) as process:
        yield process


def settled(server: PostgresServer) -> None:
    """Let the database know its tables, and end what it does behind our back."""
    with psycopg.connect(server.admin_dsn(), autocommit=True) as admin:
        admin.execute("VACUUM ANALYZE")
        admin.execute("CHECKPOINT")


def rate(act: Callable[[int], object], seconds: float, threads: int = THREADS) -> float:
    """Return how often `act` was done a second by so many threads; it is given the thread's."""
    over = threading.Event()

    def work(number: int) -> int:
        done = 0
        while not over.is_set():
            act(number)
            done += 1
        return done

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        workers = [pool.submit(work, number) for number in range(threads)]
        over.wait(seconds)
        over.set()
        total = sum(worker.result() for worker in workers)
    return total / (time.perf_counter() - began)
