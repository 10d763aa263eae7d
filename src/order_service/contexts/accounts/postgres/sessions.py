"""Sessions in Postgres: one row each, renewed by compare-and-swap."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from order_service.contexts.accounts.model import (
    Client,
    EndReason,
    Holder,
    SessionRecord,
    SessionState,
)
from order_service.infra.postgres.database import Database

from .statements import Statements, holder_of


class PostgresSessions:
    """Implements :class:`ports.SessionStore`; thread-safe.

    Args:
        database: An open database.
        idle: How long a session lives without being renewed.
    """

    def __init__(self, database: Database, idle: timedelta) -> None:
        self._statements = Statements(database)
        self._idle = idle

    def renew(
        self, session_id: UUID, generation: int, digest: bytes, successor: bytes, now: datetime
    ) -> Holder | None:
        """See :meth:`ports.SessionStore.renew`."""
        rows = self._statements.write(
            "accounts_renew",
            session_id=session_id,
            generation=generation,
            digest=digest,
            successor=successor,
            now=now,
            idle_since=now - self._idle,
        )
        return holder_of(rows[0]) if rows else None

    def state(self, session_id: UUID) -> SessionState | None:
        """See :meth:`ports.SessionStore.state`."""
        rows = self._statements.read("accounts_session_state", session_id=session_id)
        return SessionState(holder_of(rows[0]), *rows[0][3:]) if rows else None

    def end(self, session_id: UUID, person_id: UUID, reason: EndReason, now: datetime) -> bool:
        """See :meth:`ports.SessionStore.end`."""
        rows = self._statements.write(
            "accounts_end_session",
            session_id=session_id,
            person_id=person_id,
            reason=reason.value,
            now=now,
        )
        return bool(rows)

    def end_all(self, person_id: UUID, reason: EndReason, now: datetime) -> int:
        """See :meth:`ports.SessionStore.end_all`."""
        rows = self._statements.write(
            "accounts_end_sessions", person_id=person_id, reason=reason.value, now=now
        )
        return len(rows)

    def open_of(self, person_id: UUID, now: datetime) -> Sequence[SessionRecord]:
        """See :meth:`ports.SessionStore.open_of`."""
        rows = self._statements.read(
            "accounts_open_sessions", person_id=person_id, now=now, idle_since=now - self._idle
        )
        return [session_record(*row) for row in rows]

    def standing(self, session_id: UUID, now: datetime) -> Holder | None:
        """See :meth:`ports.SessionStore.standing`."""
        rows = self._statements.read("accounts_standing", session_id=session_id, now=now)
        return holder_of(rows[0]) if rows else None

    def ended_since(self, moment: datetime) -> Sequence[tuple[UUID, datetime]]:
        """See :meth:`ports.SessionStore.ended_since`."""
        rows = self._statements.read("accounts_ended_since", moment=moment)
        return [(session_id, ended_at) for session_id, ended_at in rows]


def session_record(  # noqa: PLR0913, PLR0917 - the columns of the row
    id_: UUID,
    created_at: datetime,
    renewed_at: datetime,
    expires_at: datetime,
    address: str,
    user_agent: str,
) -> SessionRecord:
    """Return the session of a row."""
    return SessionRecord(id_, created_at, renewed_at, expires_at, Client(address, user_agent))
