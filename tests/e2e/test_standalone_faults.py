"""What the programs that run alone say of a database or an address that cannot be used."""

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from order_service.embedded.postgres import PostgresServer
from tests.backends import free_port
from tests.builders import ROOT
from tests.chaos.proxy import TcpProxy
from tests.e2e.standalone_process import Program, own_database, running

LONGEST = 30.0
"""Seconds within which a program that cannot start has said so."""


@pytest.fixture
def uri(postgres_server: PostgresServer) -> Iterator[str]:
    with own_database(postgres_server, f"shop_{uuid.uuid4().hex}") as uri:
        yield uri


def started(folder: Path, database: str, address: str = "") -> subprocess.CompletedProcess[str]:
    """The program, which should have ended by itself."""
    return subprocess.run(
        [sys.executable, "-m", "order_service", "accrual", "-d", database,
         "-a", address or f"127.0.0.1:{free_port()}"],
        cwd=folder, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, timeout=LONGEST, check=False,
    )  # fmt: skip


def assert_told(ended: subprocess.CompletedProcess[str], text: str) -> None:
    """It failed with one line that says why."""
    assert ended.returncode == 1, ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert text in line
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"password": "wrong"}, "password authentication failed"),
        ({"dbname": "nothing"}, 'database "nothing" does not exist'),
        ({"sslmode": "require"}, "SSL"),
        ({"host": "nowhere.invalid"}, "nowhere.invalid"),
    ],
    ids=["password", "database", "tls", "host"],
)
def test_a_database_that_cannot_be_used_is_told_at_once(
    tmp_path: Path, uri: str, change: dict[str, str], text: str
) -> None:
    began = time.monotonic()
    assert_told(started(tmp_path, make_conninfo(uri, **change)), text)
    assert time.monotonic() - began < LONGEST / 2


def test_a_role_that_may_not_create_is_told(tmp_path: Path, uri: str) -> None:
    role = sql.Identifier(name := f"guest_{uuid.uuid4().hex}")
    guest = make_conninfo(uri, user=name, password="guest")
    with psycopg.connect(uri, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'guest'").format(role))
        try:
            assert_told(started(tmp_path, guest), "permission denied")
            admin.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(role))
            assert_told(started(tmp_path, guest), "permission denied for database")
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {}").format(role))
            admin.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_database_that_stays_away_is_given_up_after_a_while(tmp_path: Path) -> None:
    began = time.monotonic()
    uri = f"postgres://me@127.0.0.1:{free_port()}/shop"
    assert_told(started(tmp_path, uri), "Connection refused")
    assert time.monotonic() - began > 10


def test_a_database_that_is_just_starting_is_waited_for(
    tmp_path: Path, uri: str, postgres_server: PostgresServer
) -> None:
    with TcpProxy(lambda: postgres_server.port) as proxy:
        proxy.refuse()
        healing = threading.Timer(4, proxy.heal)
        healing.start()
        environ = {"DATABASE_URI": make_conninfo(uri, port=proxy.port)}
        with running(Program("accrual", tmp_path, environ)) as program:
            assert program.ask("GET", "/api/orders/18").status == 204
            assert program.interrupt() == 0
        healing.join()
    assert "not there yet" in (tmp_path / "accrual.log").read_text()


def test_an_address_that_is_not_ours_is_told(tmp_path: Path, uri: str) -> None:
    assert_told(started(tmp_path, uri, "nowhere.invalid:8080"), "cannot listen on the address")
    assert_told(started(tmp_path, uri, "192.0.2.1:8080"), "cannot listen on the address")
