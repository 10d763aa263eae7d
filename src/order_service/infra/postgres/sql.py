"""Named SQL: statements live in .sql files, where editors and databases understand them.

A statement is introduced by a line ``-- name: its_name`` and reaches to the next one.
The name also labels the statement's metrics.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from typing import Any, LiteralString, NamedTuple, cast

from psycopg import Connection
from psycopg.errors import DuplicatePreparedStatement
from psycopg.sql import SQL, Identifier

Row = tuple[Any, ...]

NO_PARAMETERS: Mapping[str, object] = {}

_PARAMETER = re.compile(r"%\((\w+)\)s")
_HEADING = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


class Query(NamedTuple):
    """A statement with its name."""

    name: str
    text: LiteralString


class Statement(NamedTuple):
    """A statement that a session prepares, to be run by a name.

    Attributes:
        name: Within the session.
        query: With ``$1`` and so on for its parameters; see `numbered`.
    """

    name: str
    query: Query


def load_queries(package: str, file: str) -> Mapping[str, Query]:
    """Return the statements of `file` in `package` by name."""
    text = resources.files(package).joinpath(file).read_text()
    _, *parts = _HEADING.split(text)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    # The file is part of the program, so its text is as literal as a string in the code.
    return {name: Query(name, cast("LiteralString", body.strip())) for name, body in pairs}


def numbered(query: Query) -> Query:
    """Return a statement with ``$1`` and so on for its parameters, as they first appear."""
    names = dict.fromkeys(_PARAMETER.findall(query.text))
    numbers = {name: f"${number}" for number, name in enumerate(names, 1)}
    text = _PARAMETER.sub(lambda found: numbers[found[1]], query.text)
    return query._replace(text=text.replace("%%", "%"))


def run(connection: Connection[Row], query: Query, parameters: Mapping[str, object]) -> list[Row]:
    """Return the rows of a statement, which the server prepares; none if it has no result."""
    cursor = connection.execute(query.text, parameters, prepare=True)
    return cursor.fetchall() if cursor.description else []


def prepare(connection: Connection[Row], statement: Statement) -> None:
    """Have the connection's session prepare a statement, unless it has done so before."""
    name, query = statement
    with suppress(DuplicatePreparedStatement):
        connection.execute(SQL("PREPARE {} AS {}").format(Identifier(name), SQL(query.text)))
