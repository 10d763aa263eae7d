"""What `doctor` asks about the keys."""

from collections.abc import Iterator
from typing import Any

import psycopg

from order_service.config import Config
from order_service.http.authentication import API_KEY
from order_service.infra.diagnosis.finding import Finding, ok, warning

_ACTIVE = "SELECT count(*) FROM access.api_keys WHERE revoked_at IS NULL"


def look_at_keys(config: Config, connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Yield whether anybody may ask, where a key is needed."""
    if API_KEY not in config.http.credentials:
        return
    try:
        row = connection.execute(_ACTIVE).fetchone()
    except psycopg.Error:
        return  # the missing right or table has been told
    if row and row[0]:
        yield ok("keys", f"{row[0]} may read (http.auth is api_key)")
    else:
        text = "http.auth is api_key and there is no key: nobody may read"
        yield warning("keys", text, "`order-service keys create NAME --scope orders:read`")
