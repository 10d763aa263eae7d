"""The keys of tokens in Postgres."""

from collections.abc import Sequence
from datetime import UTC, datetime

from order_service.contexts.accounts.errors import RotationTooEarlyError
from order_service.contexts.accounts.ports import StoredKey
from order_service.infra.postgres.database import Database, Transaction

from .statements import Statements, execute

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


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

    def rotate(
        self, following: str, successor: StoredKey, now: datetime, *, drop_current: bool
    ) -> None:
        """See :meth:`ports.KeyStore.rotate`."""

        def work(transaction: Transaction) -> None:
            execute(transaction, "accounts_lock_signing_keys")
            execute(transaction, "accounts_retire_key", now=now)
            if drop_current:
                execute(transaction, "accounts_drop_retired_keys", before=_END_OF_TIME)
            if not execute(transaction, "accounts_promote_key", id=following, now=now):
                raise RotationTooEarlyError("somebody else has rotated the keys just now")
            execute(transaction, "accounts_add_signing_key", **successor._asdict())

        self._statements.run("accounts_rotate_keys", work)

    def drop_retired(self, before: datetime) -> int:
        """See :meth:`ports.KeyStore.drop_retired`."""
        return len(self._statements.write("accounts_drop_retired_keys", before=before))
