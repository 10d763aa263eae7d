"""People in Postgres, each with the event that tells of the registration."""

from collections.abc import Callable
from uuid import UUID

from order_service.contexts.accounts.errors import LoginTakenError
from order_service.contexts.accounts.model import (
    Credentials,
    EndReason,
    NewPerson,
    NewSession,
    Person,
    SignIn,
)
from order_service.infra.postgres.database import Database, Transaction

from .statements import Statements, entry_values, execute, session_values

Announce = Callable[[Transaction, NewPerson], None]
"""Puts the event that tells of a registration into its transaction."""


class PostgresPeople:
    """Implements :class:`ports.PersonStore`; thread-safe.

    Args:
        database: An open database.
        announce: Puts the event into the outbox.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        self._statements = Statements(database)
        self._announce = announce

    def register(self, person: NewPerson, session: NewSession | None, entry: SignIn) -> None:
        """See :meth:`ports.PersonStore.register`."""

        def work(transaction: Transaction) -> None:
            _add(transaction, person)
            if session is not None:
                execute(transaction, "accounts_add_session", **session_values(session))
            execute(transaction, "accounts_record_sign_in", **entry_values(entry))
            self._announce(transaction, person)

        self._statements.run("accounts_register", work)

    def credentials(self, login_key: str) -> Credentials | None:
        """See :meth:`ports.PersonStore.credentials`."""
        rows = self._statements.read("accounts_credentials", login_key=login_key)
        return Credentials(*rows[0]) if rows else None

    def replace_hash(self, person_id: UUID, old: str, new: str) -> None:
        """See :meth:`ports.PersonStore.replace_hash`."""
        self._statements.write("accounts_replace_hash", id=person_id, old=old, new=new)

    def change_hash(self, old: str, new: str, entry: SignIn) -> bool:
        """See :meth:`ports.PersonStore.change_hash`."""

        def work(transaction: Transaction) -> bool:
            person_id = entry.person_id
            if not execute(transaction, "accounts_replace_hash", id=person_id, old=old, new=new):
                return False
            execute(
                transaction,
                "accounts_end_other_sessions",
                person_id=person_id,
                session_id=entry.session_id,
                reason=EndReason.PASSWORD_CHANGED.value,
                now=entry.at,
            )
            execute(transaction, "accounts_record_sign_in", **entry_values(entry))
            return True

        return self._statements.run("accounts_change_password", work)

    def check(self) -> None:
        """Raise AccountsUnavailableError unless people can be read."""
        self.person(UUID(int=0))

    def person(self, person_id: UUID) -> Person | None:
        """See :meth:`ports.PersonStore.person`."""
        rows = self._statements.read("accounts_person", id=person_id)
        return Person(*rows[0]) if rows else None


def _add(transaction: Transaction, person: NewPerson) -> None:
    rows = execute(
        transaction,
        "accounts_add_person",
        **{name: value for name, value in person._asdict().items() if name != "profile"},
        **person.profile._asdict(),
    )
    if not rows:
        raise LoginTakenError(person.login)
