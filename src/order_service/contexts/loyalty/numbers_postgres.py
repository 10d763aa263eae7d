"""Numbers of orders in Postgres: their keeping, and their polling."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import structlog

from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.sql import Row
from order_service.ledger.errors import LedgerError
from order_service.ledger.idempotency import Idempotency
from order_service.ledger.model import OUTSIDE, Leg, Transfer
from order_service.ledger.postings import PostgresLedger

from .model import AVAILABLE, Kind, Status, UploadedNumber, id_of_cause
from .ports import Due, Lease, Place, Result
from .storage import QUERIES, SCHEMA, available

_log = structlog.get_logger(__name__)

_UNBOOKABLE = (LedgerError, psycopg.DataError, psycopg.IntegrityError)
"""What the ledger or the server says of data that they will never take."""

_PUT_OFF = 3600.0
"""Seconds until a number is due again whose points cannot be booked."""

_NEWEST = Place(datetime(9999, 12, 31, tzinfo=UTC), "")


class PostgresNumbers:
    """Implements :class:`ports.NumberStore`.

    Args:
        database: An open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, owner: UUID, number: str) -> UUID | None:
        """See :meth:`ports.NumberStore.add`."""
        with available():
            # No row: another one added it after our snapshot, and the next one shows it.
            while not (rows := self._add(owner, number)):
                pass
        holder: UUID | None = rows[0][1]
        return holder

    def _add(self, owner: UUID, number: str) -> list[Row]:
        return self._database.write(QUERIES["add_number"], {"owner": owner, "number": number})

    def add_all(self, numbers: Sequence[tuple[UUID, str]]) -> Sequence[UUID | None]:
        """See :meth:`ports.NumberStore.add_all`."""
        wanted = {number: owner for owner, number in reversed(numbers)}
        values = {"numbers": list(wanted), "owners": list(wanted.values())}
        with available():
            holders: dict[str, UUID | None] = dict(
                self._database.write(QUERIES["add_numbers"], values)
            )
        return [_first(holders, wanted, owner, number) for owner, number in numbers]

    def of(self, owner: UUID, limit: int | None, before: Place | None) -> Sequence[UploadedNumber]:
        """See :meth:`ports.NumberStore.of`."""
        place = before or _NEWEST
        with available():
            rows = self._database.read(
                QUERIES["numbers_of"], {"owner": owner, "limit": limit, **place._asdict()}
            )
        return [UploadedNumber(number, Status(status), *rest) for number, status, *rest in rows]


class PostgresPolling:
    """Implements :class:`ports.PollingStore` and :class:`upkeep.UpkeepStore`.

    Args:
        database: An open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ledger = PostgresLedger(SCHEMA)
        self._idempotency = Idempotency(SCHEMA)

    def claim(self, limit: int, seconds: float) -> Lease:
        """See :meth:`ports.PollingStore.claim`."""
        token = uuid.uuid4()
        values = {"lease": token, "limit": limit, "seconds": seconds}
        with available():
            rows = self._database.write(QUERIES["claim_numbers"], values)
        return Lease(token, [Due(*row) for row in rows])

    def settle(self, lease: UUID, results: Sequence[Result]) -> Sequence[str]:
        """See :meth:`ports.PollingStore.settle`."""

        def work(transaction: Transaction) -> Sequence[str]:
            rows = transaction.execute(QUERIES["settle_numbers"], _columns(lease, results))
            credits_ = [_credit(number, owner, points) for number, owner, points in rows if points]
            if credits_:
                self._ledger.post_all(transaction.execute, credits_)
            return [number for number, *_ in rows]

        try:
            with available():
                return self._database.run("loyalty_settle", work)
        except _UNBOOKABLE as error:
            if len(results) == 1:
                self._put_off(lease, results[0], error)
                return []
        # One of them is more than its owner's account can hold; it must not hold up the others.
        half = len(results) // 2
        return [*self.settle(lease, results[:half]), *self.settle(lease, results[half:])]

    def _put_off(self, lease: UUID, result: Result, error: Exception) -> None:
        """Leave a number as it is, for long: somebody has to look at its owner's account."""
        _log.error(
            "the points of a number cannot be booked", number=result.number, error=str(error)
        )
        later = result._replace(status=None, accrual=None, delay=_PUT_OFF)
        with available():
            self._database.write(QUERIES["settle_numbers"], _columns(lease, [later]))

    def release(self, lease: UUID, numbers: Sequence[str]) -> None:
        """See :meth:`ports.PollingStore.release`."""
        values = {"lease": lease, "numbers": list(numbers)}
        with available():
            self._database.write(QUERIES["release_numbers"], values)

    def prune_keys(self) -> None:
        """See :meth:`upkeep.UpkeepStore.prune_keys`."""
        with available():
            self._idempotency.prune_all(self._database.write)

    def overdue(self) -> float:
        """See :meth:`upkeep.UpkeepStore.overdue`."""
        with available():
            rows = self._database.read(QUERIES["overdue"])
        return max(0.0, float(rows[0][0] or 0.0))

    def closed_for(self) -> float:
        """See :meth:`ports.PollingStore.closed_for`."""
        with available():
            rows = self._database.read(QUERIES["gate_closed_for"])
        return float(rows[0][0]) if rows else 0.0

    def close(self, seconds: float) -> None:
        """See :meth:`ports.PollingStore.close`."""
        with available():
            self._database.write(QUERIES["close_gate"], {"seconds": seconds})


def _credit(number: str, owner: UUID, points: int) -> Transfer:
    """Return the transfer that a number can cause once: its id is made of the number."""
    leg = Leg(owner, OUTSIDE, AVAILABLE, points)
    return Transfer(id_of_cause(Kind.ACCRUAL, number), Kind.ACCRUAL, [leg], number)


def _columns(lease: UUID, results: Sequence[Result]) -> Mapping[str, object]:
    return {
        "lease": lease,
        "numbers": [result.number for result in results],
        "statuses": [result.status for result in results],
        "accruals": [result.accrual for result in results],
        "delays": [result.delay for result in results],
        "failures": [result.failures for result in results],
    }


def _first(
    holders: Mapping[str, UUID | None], wanted: Mapping[str, UUID], owner: UUID, number: str
) -> UUID | None:
    """Return whose a number is, None if it was added for this owner just now."""
    holder = holders[number]
    if holder is None and wanted[number] != owner:
        return wanted[number]
    return holder
