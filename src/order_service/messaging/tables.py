"""Tells whether the tables of messaging in a context's schema are as its statements need them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, LiteralString, Protocol

from order_service.infra.diagnosis.finding import Finding, fault, ok

_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "outbox": {
        "id": "bigint",
        "message_id": "uuid",
        "topic": "text",
        "key": "bytea",
        "value": "bytea",
        "headers": "jsonb",
        "shard": "smallint",
        "created_at": "timestamp with time zone",
        "attempts": "integer",
        "last_error": "text",
        "blocked_until": "timestamp with time zone",
    },
    "inbox": {"message_id": "uuid", "received_at": "timestamp with time zone"},
}
"""As in the documentation of `outbox` and `inbox`."""

RIGHTS: Mapping[str, tuple[str, ...]] = {
    "outbox": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "inbox": ("SELECT", "INSERT", "DELETE"),
}
"""What the service's role must be allowed; a context names them in its definition."""

_DESCRIBE: LiteralString = """
    SELECT attname, format_type(atttypid, NULL)
    FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""


class Asking(Protocol):
    """A connection; psycopg's is one."""

    def execute(self, query: LiteralString, params: Any, /) -> Any:  # noqa: ANN401 - psycopg's
        """Run a statement."""


def rights_in(schema: str, *tables: str) -> dict[str, tuple[str, ...]]:
    """Return the rights on tables of messaging, for the definition of a context.

    Args:
        schema: The context's schema.
        tables: ``outbox``, ``inbox``.
    """
    return {f"{schema}.{table}": RIGHTS[table] for table in tables}


def checks_of(schema: str, *tables: str) -> Callable[[object, Asking], Iterator[Finding]]:
    """Return what `doctor` asks about tables of messaging, for the definition of a context.

    Args:
        schema: The context's schema.
        tables: ``outbox``, ``inbox``.
    """

    def look_at_tables(_: object, connection: Asking) -> Iterator[Finding]:
        faults = [*faults_of(connection, schema, *tables)]
        if not faults:
            yield ok(schema, f"{' and '.join(tables)} are as they should be")
        for text in faults:
            yield fault(schema, text, "`order-service migrate up`")

    return look_at_tables


def faults_of(connection: Asking, schema: str, *tables: str) -> Iterator[str]:
    """Yield what is wrong with tables of messaging, in words for people.

    Args:
        connection: To the context's database.
        schema: The context's schema.
        tables: ``outbox``, ``inbox``.
    """
    for table in tables:
        name = f"{schema}.{table}"
        found = dict(connection.execute(_DESCRIBE, [name]).fetchall())
        if not found:
            yield f"there is no table {name}"
            continue
        for column, kind in _COLUMNS[table].items():
            if found.get(column) != kind:
                yield f"{name}.{column} is {found.get(column, 'missing')} instead of {kind}"
