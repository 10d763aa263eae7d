"""The ledger's statements, for the schema of one context."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import LiteralString, TypeAlias

from order_service.infra.postgres.sql import Query, Row, load_queries

Run: TypeAlias = Callable[[Query, Mapping[str, object]], list[Row]]
"""Runs a statement and returns its rows: `execute` of a transaction, `read` of a database."""

_is_schema = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z").match


@cache
def statements(schema: str) -> Mapping[str, Query]:
    """Return the statements by name.

    Raises:
        ValueError: `schema` is no plain name of a schema.
    """
    queries = load_queries(__package__, "queries.sql").values()
    return {name: Query(f"{schema}_{name}", within(schema, text)) for name, text in queries}


@cache
def ddl(schema: str) -> str:
    """Return what creates the ledger's tables; the migration of a context holds it word for word.

    It can be run again. The service's role needs `RIGHTS` on the tables and nothing more.

    Raises:
        ValueError: `schema` is no plain name of a schema.
    """
    return within(schema, resources.files(__package__).joinpath("schema.sql").read_text("utf-8"))


RIGHTS: Mapping[str, tuple[str, ...]] = {
    "balances": ("SELECT", "INSERT", "UPDATE"),
    "entries": ("SELECT", "INSERT"),
    "idempotency_keys": ("SELECT", "INSERT", "UPDATE", "DELETE"),
}
"""What the service may do with each table. It can change no entry, and no balance vanishes."""


def within(schema: str, text: str) -> LiteralString:
    """Return `text` with the name of the schema in it."""
    if not _is_schema(schema):
        raise ValueError(f"no name of a schema: {schema!r}")
    # A plain name, checked above, in a text that is part of the program.
    literal: LiteralString = text.replace("{schema}", schema)
    return literal
