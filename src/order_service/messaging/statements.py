"""The statements of messaging, for the schema of one context."""

import re
from collections.abc import Mapping

from order_service.infra.postgres.sql import Query, load_queries

_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)


def statements_for(schema: str, package: str) -> Mapping[str, Query]:
    """Return the statements of ``queries.sql`` in `package`, with `schema` as their ``{schema}``.

    Raises:
        ValueError: That is no name of a context.
    """
    if not _SCHEMA.fullmatch(schema):
        raise ValueError(f"{schema!r} is no name of a schema")
    queries = load_queries(package, "queries.sql")
    return {
        name: query._replace(text=query.text.replace("{schema}", schema))
        for name, query in queries.items()
    }
