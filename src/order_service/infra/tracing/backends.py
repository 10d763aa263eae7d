"""Spans of what is asked of Postgres and Redis, below whatever span is current.

Attributes follow OpenTelemetry's semantic conventions for databases, as far as they
hold no data: statements by name, commands without keys.
"""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from redis import RedisError

from order_service.infra.postgres.database import QueryObserver
from order_service.infra.redis.client import CacheClient
from order_service.infra.redis.commands import CacheEntry

from .spans import Attributes, child_span, current_span

if TYPE_CHECKING:
    from .otlp import Span


class TracedQueries:
    """A :class:`postgres.QueryObserver` that makes spans of what it is told.

    Args:
        observer: Told as well.
        host: Name of the server.
    """

    def __init__(self, observer: QueryObserver, host: str) -> None:
        self._observer = observer
        self._host = host

    def queried(self, query: str, seconds: float, *, ok: bool) -> None:
        """The statement named `query` ended after `seconds`."""
        self._observer.queried(query, seconds, ok=ok)
        parent = current_span()
        if parent is not None:
            attributes: Attributes = {
                "db.system.name": "postgresql",
                "db.query.summary": query,
                "server.address": self._host,
            }
            span = parent.child(query, "client", attributes, took=seconds)
            if not ok:
                span.failed("_OTHER")
            span.end()


class TracedCacheClient:
    """A :class:`redis.CacheClient` around another one. Errors mark the span and pass through."""

    def __init__(self, client: CacheClient) -> None:
        self._client = client

    def fast_get(self, key: str) -> bytes | None:
        """Return the value of a string key, None if there is none."""
        if current_span() is None:  # the usual case, and the hot path
            return self._client.fast_get(key)
        with _command("GET"):
            return self._client.fast_get(key)

    def get_many(self, keys: Sequence[str]) -> Sequence[bytes | RedisError | None]:
        """Return the values of many keys in one round trip."""
        if current_span() is None:
            return self._client.get_many(keys)
        with _command("GET", len(keys)):
            return self._client.get_many(keys)

    def set(self, name: str, value: bytes, *, px: int, nx: bool) -> object:
        """Set one key."""
        with _command("SET"):
            return self._client.set(name, value, px=px, nx=nx)

    def set_new(self, *entries: CacheEntry) -> None:
        """Set entries unless their keys exist; the span is as long as the call, not the command."""
        with _command("SET", len(entries)):
            self._client.set_new(*entries)

    def set_many(self, entries: Sequence[CacheEntry], *, only_new: bool) -> bool:
        """Set all `entries` in one round trip."""
        with _command("SET", len(entries)):
            return self._client.set_many(entries, only_new=only_new)

    def unlink(self, *keys: str) -> object:
        """Delete the keys."""
        with _command("UNLINK", len(keys)):
            return self._client.unlink(*keys)

    def ping(self) -> object:
        """Return if a server answers."""
        return self._client.ping()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def _command(name: str, size: int = 1) -> "contextlib.AbstractContextManager[Span | None]":
    attributes: dict[str, str | int] = {"db.system.name": "redis", "db.operation.name": name}
    if size > 1:
        attributes["db.operation.batch.size"] = size
    return child_span(name, "client", attributes)
