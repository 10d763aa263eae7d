"""What operators do with people, in Postgres, in the role that migrates."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from order_service.contexts.accounts.errors import NoSuchPersonError
from order_service.contexts.accounts.logins import login_key
from order_service.contexts.accounts.model import EndReason, Person, SessionRecord
from order_service.infra.postgres.database import Database, Transaction

from .sessions import session_record
from .statements import Statements, execute, login_digest


class PostgresAdministration:
    """Implements :class:`ports.PersonAdministration`; thread-safe.

    Args:
        database: An open database, in the role that migrates.
    """

    def __init__(self, database: Database) -> None:
        self._statements = Statements(database)

    def find(self, login_key: str) -> Person | None:
        """See :meth:`ports.PersonAdministration.find`."""
        rows = self._statements.read("accounts_find_person", login_key=login_key)
        return Person(*rows[0]) if rows else None

    def set_admin(self, person_id: UUID, now: datetime, *, admin: bool) -> None:
        """See :meth:`ports.PersonAdministration.set_admin`."""

        def work(transaction: Transaction) -> None:
            if execute(transaction, "accounts_set_admin", id=person_id, admin=admin):
                _end_sessions(transaction, person_id, EndReason.RIGHTS_CHANGED, now)

        self._statements.run("accounts_set_admin", work)

    def disable(self, person_id: UUID, now: datetime) -> None:
        """See :meth:`ports.PersonAdministration.disable`."""

        def work(transaction: Transaction) -> None:
            _require(execute(transaction, "accounts_disable", id=person_id, now=now), person_id)
            _end_sessions(transaction, person_id, EndReason.DISABLED, now)

        self._statements.run("accounts_disable", work)

    def unlock(self, person_id: UUID, key: str) -> None:
        """See :meth:`ports.PersonAdministration.unlock`."""
        digest = login_digest(key)
        rows = self._statements.write("accounts_unlock", id=person_id, login_digest=digest)
        _require(rows, person_id)

    def unlock_address(self, address: str) -> bool:
        """See :meth:`ports.PersonAdministration.unlock_address`."""
        return bool(self._statements.write("accounts_unlock_address", address=address))

    def erase(self, person_id: UUID, now: datetime) -> None:
        """See :meth:`ports.PersonAdministration.erase`."""

        def work(transaction: Transaction) -> None:
            found = execute(transaction, "accounts_person", id=person_id)
            _require(found, person_id)
            _forget_failures(transaction, Person(*found[0]))
            # First the person: who signs in at this moment waits for this row, then is refused.
            erased = execute(transaction, "accounts_erase_person", id=person_id, now=now)
            _require(erased, person_id)
            _end_sessions(transaction, person_id, EndReason.ERASED, now)
            execute(transaction, "accounts_erase_sessions", id=person_id)
            execute(transaction, "accounts_erase_sign_ins", id=person_id)

        self._statements.run("accounts_erase", work)

    def sessions(self, person_id: UUID) -> Sequence[tuple[SessionRecord, datetime | None]]:
        """See :meth:`ports.PersonAdministration.sessions`."""
        rows = self._statements.read("accounts_all_sessions", person_id=person_id)
        return [(session_record(*row), ended_at) for *row, ended_at in rows]


def _end_sessions(
    transaction: Transaction, person_id: UUID, reason: EndReason, now: datetime
) -> None:
    values = {"person_id": person_id, "reason": reason.value, "now": now}
    execute(transaction, "accounts_end_sessions", **values)


def _forget_failures(transaction: Transaction, person: Person) -> None:
    if person.login is not None:
        digest = login_digest(login_key(person.login))
        execute(transaction, "accounts_forget_failures", login_digest=digest)


def _require(rows: Sequence[object], person_id: UUID) -> None:
    if not rows:
        raise NoSuchPersonError(str(person_id))
