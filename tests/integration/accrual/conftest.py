"""The API of the accrual context alone, on an empty database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from werkzeug.test import Client

from tests.backends import Environ, api_of

NewClient = Callable[..., Client]


@pytest.fixture
def new_client(shared_database: Environ, admin: psycopg.Connection[Any]) -> Iterator[NewClient]:
    admin.execute("TRUNCATE accrual.orders, accrual.rules")
    with ExitStack() as stack:

        def create(**settings: str) -> Client:
            api = api_of({**shared_database, "CONTEXTS_ENABLED": "accrual", **settings})
            stack.callback(api.close)
            return Client(api)

        yield create
