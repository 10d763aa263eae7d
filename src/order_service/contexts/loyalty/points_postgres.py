"""Points in Postgres, on the ledger of this context."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import Row
from order_service.ledger import errors as ledger_errors
from order_service.ledger.idempotency import Idempotency
from order_service.ledger.model import OUTSIDE, Entry, KeyedCommand, Leg, Transfer
from order_service.ledger.model import Balance as LedgerBalance
from order_service.ledger.postings import PostgresLedger
from order_service.ledger.statements import Run

from .errors import (
    AlreadyReversedError,
    IrreversibleError,
    LoyaltyError,
    NotEnoughPointsError,
    TooManyPointsError,
    UnknownMovementError,
)
from .model import (
    AVAILABLE,
    WITHDRAWN,
    Balance,
    HistoryEntry,
    Kind,
    Movement,
    Withdrawal,
    id_of_cause,
)
from .ports import Expiry
from .storage import QUERIES, SCHEMA, available

_ROUTES = {
    Kind.ACCRUAL: (OUTSIDE, AVAILABLE),
    Kind.BONUS: (OUTSIDE, AVAILABLE),
    Kind.CREDIT: (OUTSIDE, AVAILABLE),
    Kind.WITHDRAWAL: (AVAILABLE, WITHDRAWN),
    Kind.SPENDING: (AVAILABLE, WITHDRAWN),
    Kind.DEBIT: (AVAILABLE, OUTSIDE),
    Kind.EXPIRY: (AVAILABLE, OUTSIDE),
}
"""The accounts that each kind of movement leads from and to."""

_REFUSED = b"not enough"

_Post = Callable[[Run, Movement], int]


class PostgresPoints:
    """Implements :class:`ports.PointStore`.

    Args:
        database: An open database.
        lifetime: Seconds after which points expire; 0 if they never do.
    """

    def __init__(self, database: Database, lifetime: float = 0.0) -> None:
        self._database = database
        self._lifetime = lifetime
        self._ledger = PostgresLedger(SCHEMA)
        self._idempotency = Idempotency(SCHEMA)

    def check(self) -> None:
        """Raise StorageUnavailableError unless points can be read."""
        self.balance(UUID(int=0))

    def balance(self, owner: UUID) -> Balance:
        """See :meth:`ports.PointStore.balance`."""
        with available():
            if self._lifetime and self._read("expired_of", self._expiring(owner)):
                self.expire(owner)
            accounts = self._ledger.balances(self._database.read, owner)
        nothing = LedgerBalance()
        return Balance(
            accounts.get(AVAILABLE, nothing).amount, accounts.get(WITHDRAWN, nothing).amount
        )

    def move(self, movement: Movement, key: KeyedCommand | None = None) -> int:
        """See :meth:`ports.PointStore.move`.

        Where the connection was lost on the way, the movement is tried again at once: its id tells
        whether it took effect.
        """
        with available(), _translated():
            try:
                return self._move(movement, key)
            except ledger_errors.DuplicateTransferError:
                return self.balance(movement.owner).current
            except UnavailableError as error:
                if not error.outcome_unknown:
                    raise
            return self._move_as_one(movement, key, again=True)

    def _move(self, movement: Movement, key: KeyedCommand | None) -> int:
        if key is None and not self._lifetime:
            # One statement is a transaction by itself, with a fourth of the round trips.
            return self._post(self._database.write, movement)
        return self._move_as_one(movement, key, again=False)

    def _move_as_one(self, movement: Movement, key: KeyedCommand | None, *, again: bool) -> int:
        """Move points in a transaction; `again` if it may have been done before."""
        effect = self._post_again if again else self._post
        return _points(
            self._database.run(
                "loyalty_move", lambda opened: self._answer(opened, movement, key, effect)
            )
        )

    def _answer(
        self, transaction: Transaction, movement: Movement, key: KeyedCommand | None, post: _Post
    ) -> bytes:
        run, owner = transaction.execute, movement.owner

        def effect() -> int:
            self._expire(run, owner)
            return post(run, movement)

        return self._once(run, key, effect)

    def _once(self, run: Run, key: KeyedCommand | None, effect: Callable[[], int]) -> bytes:
        """Return what `effect` leaves, or a refusal; if the key got an answer before, that one."""

        def answer() -> bytes:
            try:
                return b"%d" % effect()
            except ledger_errors.InsufficientError:
                return _REFUSED

        if key is None:
            return answer()
        return self._idempotency.answer(run, key, answer)

    def _post_again(self, run: Run, movement: Movement) -> int:
        """Post what may be posted: the ledger judges what is left before it sees a duplicate."""
        # The first try may still be at its commit, which ends with its locks.
        run(QUERIES["lock_points"], {"owner": movement.owner})
        if not self._ledger.is_posted(run, movement.owner, movement.id):
            return self._post(run, movement)
        return self._ledger.balances(run, movement.owner)[AVAILABLE].amount

    def _post(self, run: Run, movement: Movement) -> int:
        source, target = _ROUTES[movement.kind]
        leg = Leg(movement.owner, source, target, movement.amount)
        transfer = Transfer(movement.id, movement.kind, [leg], movement.reference)
        return self._ledger.post(run, transfer)[movement.owner, AVAILABLE].amount

    def give(self, transaction: Transaction, movement: Movement) -> None:
        """See :meth:`registrations.Bonuses.give`."""
        # Two copies of one cause may be handled at once.
        transaction.execute(QUERIES["lock_movement"], {"movement": str(movement.id)})
        if not self._ledger.is_posted(transaction.execute, movement.owner, movement.id):
            self._post(transaction.execute, movement)

    def reverse(self, owner: UUID, movement: UUID, key: KeyedCommand | None = None) -> int:
        """See :meth:`ports.PointStore.reverse`."""

        def work(transaction: Transaction) -> bytes:
            run = transaction.execute
            return self._once(run, key, lambda: self._reverse(run, owner, movement))

        with available(), _translated():
            return _points(self._database.run("loyalty_reverse", work))

    def _reverse(self, run: Run, owner: UUID, movement: UUID) -> int:
        if run(QUERIES["is_reversal"], {"owner": owner, "movement": movement}):
            raise IrreversibleError(str(movement))
        reversal = id_of_cause(Kind.REVERSAL, owner, movement)
        return self._ledger.reverse(run, movement, [owner], reversal)[owner, AVAILABLE].amount

    def withdrawals(self, owner: UUID, limit: int | None, before: int) -> Sequence[Withdrawal]:
        """See :meth:`ports.PointStore.withdrawals`."""
        values = {"owner": owner, "limit": limit, "before": before}
        with available():
            return [Withdrawal(*row) for row in self._read("withdrawals_of", values)]

    def history(self, owner: UUID, limit: int, before: int) -> Sequence[HistoryEntry]:
        """See :meth:`ports.PointStore.history`."""
        with available():
            entries = self._ledger.entries(self._database.read, owner, limit=limit, before=before)
        return [_seen_from_available(entry) for entry in entries]

    def next_expiry(self, owner: UUID) -> Expiry | None:
        """See :meth:`ports.PointStore.next_expiry`."""
        if not self._lifetime:
            return None
        with available():
            rows = self._read("next_expiry_of", self._expiring(owner))
        return Expiry(*rows[0]) if rows else None

    def expire(self, owner: UUID) -> int:
        """See :meth:`ports.ExpiryStore.expire`."""
        with available():
            return self._database.run("loyalty_expire", lambda t: self._expire(t.execute, owner))

    def expiring_after(self, owner: UUID, limit: int) -> Sequence[tuple[UUID, bool]]:
        """See :meth:`ports.ExpiryStore.expiring_after`."""
        values = {"after": owner, "limit": limit, "lifetime": self._lifetime}
        with available():
            return [(row[0], row[1]) for row in self._read("expiring_after", values)]

    def _expire(self, run: Run, owner: UUID) -> int:
        """Take what has expired and return how much it was."""
        if not self._lifetime:
            return 0
        # Locked first: what is read after it cannot be spent meanwhile.
        run(QUERIES["lock_points"], {"owner": owner})
        rows = run(QUERIES["expired_of"], self._expiring(owner))
        for credited, points in rows:
            self._post(run, _expiry(owner, credited, points))
        return sum(points for _, points in rows)

    def _expiring(self, owner: UUID) -> dict[str, object]:
        return {"owner": owner, "lifetime": self._lifetime}

    def _read(self, query: str, values: Mapping[str, object]) -> Sequence[Row]:
        return self._database.read(QUERIES[query], values)


def _points(answer: bytes) -> int:
    """Return the points that an answer tells, which may be kept under a key."""
    if answer == _REFUSED:
        raise NotEnoughPointsError
    return int(answer)


def _expiry(owner: UUID, credited: int, points: int) -> Movement:
    """Return what takes the points that are left of all that had come in by some moment."""
    return Movement(id_of_cause(Kind.EXPIRY, owner, credited), owner, Kind.EXPIRY, points)


def _seen_from_available(entry: Entry) -> HistoryEntry:
    spent = entry.source == AVAILABLE
    return HistoryEntry(
        entry.id,
        entry.transfer,
        Kind(entry.kind),
        -entry.amount if spent else entry.amount,
        entry.source_balance if spent else entry.target_balance,
        entry.reference,
        entry.reverses,
        entry.created_at,
    )


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Raise the errors of this context for those of the ledger, but for those of a key."""
    try:
        yield
    except tuple(_MEANINGS) as error:
        raise _MEANINGS[type(error)](str(error)) from error


_MEANINGS: Mapping[type[ledger_errors.LedgerError], type[LoyaltyError]] = {
    ledger_errors.InsufficientError: NotEnoughPointsError,
    ledger_errors.LimitError: TooManyPointsError,
    ledger_errors.UnknownTransferError: UnknownMovementError,
    ledger_errors.AlreadyReversedError: AlreadyReversedError,
}
