"""Attempts to sign in, in Postgres: the audit trail, and who has to wait."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from order_service.contexts.accounts.model import (
    Attempt,
    Client,
    Credentials,
    NewSession,
    SignIn,
    SignInResult,
)
from order_service.contexts.accounts.ports import SignInPosition
from order_service.infra.postgres.database import Database

from .statements import Statements, entry_values, login_digest, session_values

_NEWEST = SignInPosition(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


class Throttling(NamedTuple):
    """When somebody has to wait, and for how long.

    Attributes:
        free: The failure that is followed by the first delay.
        base: Delay after that one; each further failure doubles it.
        longest: Longest delay.
        forgotten: After so long without a failure the count begins anew.
        registrations: Registrations a minute from one address; as many at once; 0 for no limit.
    """

    free: int = 5
    base: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=15)
    forgotten: timedelta = timedelta(hours=1)
    registrations: int = 120


class PostgresSignIns:
    """Implements :class:`ports.SignInStore` and :class:`ports.AuditTrail`; thread-safe.

    Args:
        database: An open database.
        throttling: When somebody has to wait.
    """

    def __init__(self, database: Database, throttling: Throttling) -> None:
        self._statements = Statements(database)
        self._throttling = throttling

    def signed_in(
        self, session: NewSession, entry: SignIn, login_key: str, proven: Credentials
    ) -> bool:
        """See :meth:`ports.SignInStore.signed_in`."""
        rows = self._statements.write(
            "accounts_signed_in",
            **session_values(session),
            entry_id=entry.id,
            result=entry.result.value,
            login_digest=login_digest(login_key),
            password_hash=proven.password_hash,
            admin=proven.admin,
        )
        return bool(rows)

    def refused(self, entry: SignIn, login_key: str) -> None:
        """See :meth:`ports.SignInStore.refused`."""
        self._statements.write(
            "accounts_refused",
            **entry_values(entry),
            login_digest=login_digest(login_key),
            forgotten_before=entry.at - self._throttling.forgotten,
            free=self._throttling.free,
            base=self._throttling.base.total_seconds(),
            longest=self._throttling.longest.total_seconds(),
        )

    def record(self, entry: SignIn) -> None:
        """See :meth:`ports.SignInStore.record`."""
        self._statements.write("accounts_record_sign_in", **entry_values(entry))

    def attempt(self, login_key: str, address: str, now: datetime) -> Attempt:
        """See :meth:`ports.SignInStore.attempt`."""
        rows = self._statements.read(
            "accounts_attempt",
            login_key=login_key,
            login_digest=login_digest(login_key),
            address=address,
            now=now,
        )
        wait, person_id, *rest = rows[0]
        return Attempt(max(0.0, wait), Credentials(person_id, *rest) if person_id else None)

    def wait_to_register(self, address: str, now: datetime) -> float:
        """See :meth:`ports.SignInStore.wait_to_register`."""
        minute = timedelta(minutes=1)
        most = self._throttling.registrations
        if not most:
            return 0.0
        values = {"address": address, "now": now, "cost": minute / most, "burst": minute}
        if self._statements.write("accounts_take_registration", **values):
            return 0.0
        rows = self._statements.read("accounts_registration_wait", **values)
        return max(0.001, float(rows[0][0])) if rows else 0.001

    def of_person(
        self, person_id: UUID, limit: int, after: SignInPosition | None
    ) -> Sequence[SignIn]:
        """See :meth:`ports.AuditTrail.of_person`."""
        position = (after or _NEWEST)._asdict()
        rows = self._statements.read(
            "accounts_sign_ins_of", person_id=person_id, limit=limit, **position
        )
        return [_sign_in(*row) for row in rows]


def _sign_in(  # noqa: PLR0913, PLR0917 - the columns of the row
    id_: UUID,
    person_id: UUID | None,
    session_id: UUID | None,
    result: str,
    address: str,
    user_agent: str,
    at: datetime,
) -> SignIn:
    client = Client(address, user_agent)
    return SignIn(id_, person_id, session_id, SignInResult(result), client, at)
