"""A program's worker in the background: it outlives faults, and its end shows."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from werkzeug.test import Client

from order_service.bootstrap.api_process import Api
from order_service.bootstrap.contexts import installed
from order_service.context import Worker
from order_service.context.process import Process
from order_service.contexts.accrual import CONTEXT
from order_service.http.health import Check
from tests.backends import Environ, config_of, connect
from tests.waiting import eventually

ORDER = {"order": "18", "goods": [{"description": "tea", "price": 1}]}


class BriefWork:
    """Work that ends when it is told to, as if by a fault that nobody thought of."""

    def __init__(self, ending: threading.Event) -> None:
        self._ending = ending
        self.checks: list[Check] = []

    def run(self) -> None:
        self._ending.wait(60)


def api_with(environ: Environ, worker: Worker) -> Api:
    config = config_of({**environ, "CONTEXTS_ENABLED": "accrual"})
    return Api(config, installed(), [worker])


@pytest.fixture
def owner(migrated_database: Environ) -> Iterator[psycopg.Connection[Any]]:
    with connect(migrated_database, admin=True) as connection:
        yield connection


def test_a_calculator_goes_on_after_an_error_that_nobody_expected(
    migrated_database: Environ, owner: psycopg.Connection[Any]
) -> None:
    owner.execute("ALTER TABLE accrual.orders RENAME COLUMN calculated_at TO mislaid")
    (calculator,) = CONTEXT.workers
    with closing(api_with(migrated_database, calculator)) as api:
        client = Client(api)
        assert client.post("/api/orders", json=ORDER).status_code == 202
        eventually(
            lambda: owner.execute("SELECT FROM accrual.orders WHERE due_at > now()").fetchall(),
            10,
            "the calculator has taken what it cannot finish",
        )
        owner.execute("ALTER TABLE accrual.orders RENAME COLUMN mislaid TO calculated_at")
        owner.execute("UPDATE accrual.orders SET due_at = now()")
        eventually(
            lambda: json.loads(client.get("/api/orders/18").data)["status"] == "PROCESSED",
            20,
            "the order is calculated",
        )
        assert client.get("/health/ready").status_code == 200


def test_a_worker_that_has_ended_makes_its_program_unready(migrated_database: Environ) -> None:
    ending = threading.Event()

    def open_work(process: Process) -> BriefWork:
        del process
        return BriefWork(ending)

    worker = Worker(name="accrual-brief", about="Ends.", needs=(), open=open_work)
    with closing(api_with(migrated_database, worker)) as api:
        client = Client(api)
        ready = client.get("/health/ready")
        assert (ready.status_code, parts_of(ready.data)["accrual-brief"]) == (200, {"ok": True})
        ending.set()
        eventually(lambda: client.get("/health/ready").status_code == 503, 5, "it is unready")
        parts = parts_of(client.get("/health/ready").data)
        assert (parts["accrual-brief"]["ok"], parts["accrual"]["ok"]) == (False, True)


def parts_of(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(body)["parts"]
