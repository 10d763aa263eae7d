"""The keys of tokens in Postgres."""

from collections.abc import Sequence
from datetime import datetime

from order_service.contexts.accounts.errors import RotationTooEarlyError
from order_service.contexts.accounts.ports import StoredKey
from order_service.infra.postgres.database import Database, Transaction

from .statements import Statements, execute


class PostgresKeyStore:
    """Implements :class:`ports.KeyStore`; thread-safe.

    The service's own role may read and add keys; rotation needs the role that migrates.

    Args:
        database: An open database.
    """

    def __init__(self, database: Database) -> None:
        self._statements = Statements(database)

    def signing_keys(self) -> Sequence[StoredKey]:
        """See :meth:`ports.KeyStore.signing_keys`."""
        rows = self._statements.read("accounts_signing_keys")
        return [StoredKey(id_, state, bytes(sealed), *at) for id_, state, sealed, *at in rows]

    def refresh_keys(self) -> Sequence[StoredKey]:
        """See :meth:`ports.KeyStore.refresh_keys`."""
        rows = self._statements.read("accounts_refresh_keys")
        return [
            StoredKey(str(number), "current", bytes(sealed), created_at, created_at)
            for number, sealed, created_at in rows
        ]

    def add_signing_key(self, key: StoredKey) -> None:
        """See :meth:`ports.KeyStore.add_signing_key`."""
        self._statements.write("accounts_add_signing_key", **key._asdict())

    def add_refresh_key(self, key: StoredKey) -> None:
        """See :meth:`ports.KeyStore.add_refresh_key`."""
        self._statements.write(
            "accounts_add_refresh_key",
            number=int(key.id),
            sealed=key.sealed,
            created_at=key.created_at,
        )

    def rotate(self, successor: StoredKey, now: datetime, *, drop_current: bool) -> None:
        """See :meth:`ports.KeyStore.rotate`."""
        ending = "accounts_drop_current_key" if drop_current else "accounts_retire_key"

        def work(transaction: Transaction) -> None:
            execute(transaction, "accounts_lock_signing_keys")
            execute(transaction, ending, now=now)
            if not execute(transaction, "accounts_promote_key", now=now):
                raise RotationTooEarlyError("there is no next key")
            execute(transaction, "accounts_add_signing_key", **successor._asdict())

        self._statements.run("accounts_rotate_keys", work)

    def drop_retired(self, before: datetime) -> int:
        """See :meth:`ports.KeyStore.drop_retired`."""
        return len(self._statements.write("accounts_drop_retired_keys", before=before))
