"""The keys in Postgres, in a schema of their own."""

from collections.abc import Mapping, Sequence

import psycopg

from order_service.infra.postgres.database import Database
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import Row, load_queries

from .errors import KeyExistsError, KeysUnavailableError, NoSuchKeyError
from .model import KeyRecord, StoredKey

_QUERIES = load_queries(__package__, "queries.sql")


class PostgresKeys:
    """Implements :class:`ports.KeyReader` and :class:`ports.KeyStore`; thread-safe.

    The service's own role may only read; adding and revoking need the role that migrates.

    Args:
        database: An open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def valid(self) -> Sequence[StoredKey]:
        """See :meth:`ports.KeyReader.valid`."""
        rows = self._read("valid_keys")
        return [StoredKey(name, digest, frozenset(scopes)) for name, digest, scopes in rows]

    def records(self) -> Sequence[KeyRecord]:
        """See :meth:`ports.KeyStore.records`."""
        return [KeyRecord(n, frozenset(s), *times) for n, s, *times in self._read("all_keys")]

    def add(self, key: StoredKey) -> None:
        """See :meth:`ports.KeyStore.add`."""
        scopes = sorted(key.scopes)
        values = {"name": key.name, "digest": key.digest, "scopes": scopes}
        if not self._write("add_key", values):
            raise KeyExistsError(key.name)

    def revoke(self, name: str) -> None:
        """See :meth:`ports.KeyStore.revoke`."""
        if not self._write("revoke_key", {"name": name}):
            raise NoSuchKeyError(name)

    def _read(self, query: str) -> list[Row]:
        try:
            return self._database.read(_QUERIES[query])
        except (UnavailableError, psycopg.Error) as error:
            raise KeysUnavailableError(str(error)) from error

    def _write(self, query: str, parameters: Mapping[str, object]) -> list[Row]:
        try:
            return self._database.write(_QUERIES[query], parameters)
        except UnavailableError as error:
            raise KeysUnavailableError(str(error)) from error
        except psycopg.Error as error:
            raise KeysUnavailableError(error.diag.message_primary or str(error)) from error
