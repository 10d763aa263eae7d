"""Tables of messaging in a schema of a test's own, made by the statements that contexts copy."""

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql

from order_service.messaging import inbox, outbox
from order_service.messaging.envelope import JSON, Envelope
from order_service.messaging.outbox import OutgoingMessage
from tests.backends import connect

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def documented(module: ModuleType, schema: str) -> LiteralString:
    """The statements in a module's documentation, for this schema."""
    (block,) = re.findall(r"code-block:: sql\n\n((?:    .*\n|\n)+)", module.__doc__ or "")
    return cast("LiteralString", block.replace("<schema>", schema))


@contextmanager
def schema_in(environ: Mapping[str, str]) -> Iterator[str]:
    """A schema with an outbox, an inbox and a table of effects; the service's role may use it."""
    name = f"test_{uuid.uuid4().hex[:20]}"
    with connect(environ, admin=True) as admin:
        create(admin, name, environ["POSTGRES_USER"])
        yield name
        admin.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def create(admin: psycopg.Connection[Any], name: str, role: str) -> None:
    """Create the tables in a new schema."""
    schema = sql.Identifier(name)
    admin.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    for module in (outbox, inbox):
        admin.execute(documented(module, name))
    admin.execute(
        sql.SQL("CREATE TABLE {}.effects (id bigserial, key text, number bigint)").format(schema)
    )
    admin.execute(
        sql.SQL(
            "GRANT USAGE ON SCHEMA {schema} TO {role};"
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};"
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"
        ).format(schema=schema, role=sql.Identifier(role))
    )


def message(
    topic: str,
    key: str = "key",
    value: bytes | None = b"0",
    **parts: Any,  # noqa: ANN401 - fields
) -> OutgoingMessage:
    """A message to add; `parts` are of its envelope."""
    envelope = Envelope(uuid.uuid4(), "test.happened.v1", NOON, JSON)._replace(**parts)
    return OutgoingMessage(topic, key.encode(), value, envelope)
