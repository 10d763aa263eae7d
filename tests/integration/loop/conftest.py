"""A database of its own, and ways to it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from order_service.embedded.postgres import PostgresServer
from tests.backends import Environ
from tests.chaos.proxy import TcpProxy


@pytest.fixture
def conninfo(empty_database: Environ, postgres_server: PostgresServer) -> str:
    return postgres_server.admin_dsn(empty_database["POSTGRES_DB"])


@pytest.fixture
def admin(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[TcpProxy]:
    with TcpProxy(lambda: postgres_server.port) as opened:
        yield opened
