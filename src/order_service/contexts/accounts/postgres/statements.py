"""What the adapters share: the statements, and the context's own words for faults."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from order_service.context.storage import unavailable_as
from order_service.contexts.accounts.errors import AccountsUnavailableError
from order_service.contexts.accounts.model import Client, Holder, NewSession, SignIn
from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.sql import Row, load_queries

T = TypeVar("T")

QUERIES = load_queries(__package__, "queries.sql")

_available = partial(unavailable_as, AccountsUnavailableError)


class Statements:
    """Runs the statements of this context by name.

    Args:
        database: An open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, name: str, /, **parameters: object) -> Sequence[Row]:
        """Return the rows of a statement that changes nothing."""
        with _available():
            return self._database.read(QUERIES[name], parameters)

    def write(self, name: str, /, **parameters: object) -> Sequence[Row]:
        """Run one statement as one transaction and return its rows."""
        with _available():
            return self._database.write(QUERIES[name], parameters)

    def run(self, name: str, work: Callable[[Transaction], T]) -> T:
        """Run several statements as one transaction; again, if another one was in the way."""
        with _available():
            return self._database.run(name, work)


def execute(transaction: Transaction, name: str, /, **parameters: object) -> Sequence[Row]:
    """Run one of the statements within a transaction."""
    return transaction.execute(QUERIES[name], parameters)


def login_digest(login_key: str) -> str:
    """Return what failed attempts at a login are counted under: the login itself is not kept."""
    return hashlib.sha256(login_key.encode()).hexdigest()


def holder_of(row: Sequence[Any]) -> Holder:
    """Return whom the first three columns tell of."""
    return Holder(row[0], row[1], row[2])


def session_values(session: NewSession) -> dict[str, object]:
    """Return the parameters of a session that begins."""
    return {
        "session_id": session.id,
        "person_id": session.person_id,
        "token_digest": session.token_digest,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
        **client_values(session.client),
    }


def client_values(client: Client) -> dict[str, object]:
    """Return the parameters of where somebody asks from."""
    return {"address": client.address, "user_agent": client.user_agent}


def entry_values(entry: SignIn) -> dict[str, object]:
    """Return the parameters of a line of the audit trail."""
    return {
        "entry_id": entry.id,
        "person_id": entry.person_id,
        "session_id": entry.session_id,
        "result": entry.result.value,
        "at": entry.at,
        **client_values(entry.client),
    }
