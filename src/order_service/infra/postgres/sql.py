"""Named SQL: statements live in .sql files, where editors and databases understand them.

A statement is introduced by a line ``-- name: its_name`` and reaches to the next one.
The name also labels the statement's metrics.
"""

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, LiteralString, NamedTuple, cast

from psycopg import Connection

Row = tuple[Any, ...]

NO_PARAMETERS: Mapping[str, object] = {}

_HEADING = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


class Query(NamedTuple):
    """A statement with its name."""

    name: str
    text: LiteralString


def load_queries(package: str, file: str) -> Mapping[str, Query]:
    """Return the statements of `file` in `package` by name."""
    text = resources.files(package).joinpath(file).read_text()
    _, *parts = _HEADING.split(text)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    # The file is part of the program, so its text is as literal as a string in the code.
    return {name: Query(name, cast("LiteralString", body.strip())) for name, body in pairs}


def run(connection: Connection[Row], query: Query, parameters: Mapping[str, object]) -> list[Row]:
    """Return the rows of a statement, which the server prepares; none if it has no result."""
    cursor = connection.execute(query.text, parameters, prepare=True)
    return cursor.fetchall() if cursor.description else []
