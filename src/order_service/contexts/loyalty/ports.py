"""What the use cases need from the outside.

Stores are thread-safe and block, with a deadline. Each of their methods raises
StorageUnavailableError if it cannot answer now.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from order_service.ledger.model import KeyedCommand

from .model import Balance, HistoryEntry, Movement, Status, UploadedNumber, Withdrawal


class Place(NamedTuple):
    """Where a page of numbers begins: behind this one, seen from the newest."""

    uploaded_at: datetime
    number: str


class NumberStore(Protocol):
    """Keeps the numbers of orders."""

    def add(self, owner: UUID, number: str) -> UUID | None:
        """Keep a number; return None, or whose it is if it is there already."""

    def add_all(self, numbers: Sequence[tuple[UUID, str]]) -> Sequence[UUID | None]:
        """Keep numbers, each once; return of each what `add` would."""

    def of(self, owner: UUID, limit: int | None, before: Place | None) -> Sequence[UploadedNumber]:
        """Return numbers of a person, newest first: all, or at most `limit` behind `before`."""


class PointStore(Protocol):
    """Keeps points and moves them."""

    def balance(self, owner: UUID) -> Balance:
        """Return the points of a person, of whom nothing need be known."""

    def move(self, movement: Movement, key: KeyedCommand | None) -> int:
        """Move points and return the points that there are then.

        A movement whose id was moved before is not moved again.

        Raises:
            NotEnoughPointsError: There are fewer than it takes.
            TooManyPointsError: There would be more than can be counted.
            KeyReusedError: The key came before with other content.
            StillRunningError: A movement with this key is under way.
        """

    def reverse(self, owner: UUID, movement: UUID, key: KeyedCommand | None) -> int:
        """Take a movement back, once, and return the points that there are then.

        Raises:
            UnknownMovementError: There is none.
            AlreadyReversedError: That was done.
            IrreversibleError: It took another one back.
            NotEnoughPointsError: What it gave is spent.
            KeyReusedError: The key came before with other content.
            StillRunningError: A request with this key is under way.
        """

    def withdrawals(self, owner: UUID, limit: int | None, before: int) -> Sequence[Withdrawal]:
        """Return withdrawals that stand, newest first: all, or at most `limit` before an id."""

    def history(self, owner: UUID, limit: int, before: int) -> Sequence[HistoryEntry]:
        """Return movements, newest first: at most `limit` before an id."""

    def next_expiry(self, owner: UUID) -> "Expiry | None":
        """Return what expires next, None if nothing ever does."""


class Expiry(NamedTuple):
    """Points that expire, in hundredths; `at` in UTC."""

    at: datetime
    amount: int


class ExpiryStore(Protocol):
    """Takes points away that are too old."""

    def expiring_after(self, owner: UUID, limit: int) -> Sequence[tuple[UUID, bool]]:
        """Return the next `limit` persons with points, and whether some of these have expired."""

    def expire(self, owner: UUID) -> int:
        """Take the points that have expired, in hundredths; return how many."""


class Due(NamedTuple):
    """A number that the accrual system shall be asked about.

    Attributes:
        age: Seconds since its upload.
        failures: Answers in a row that said nothing.
    """

    number: str
    age: float
    failures: int


class Lease(NamedTuple):
    """Numbers that one poller alone may ask about, for a while."""

    token: UUID
    numbers: Sequence[Due]


class Result(NamedTuple):
    """What is to be kept of one question.

    Attributes:
        status: None to leave it as it is.
        accrual: Points in hundredths to credit; None if there are none.
        delay: Seconds until the number is due again; None if it is finished.
        failures: Answers in a row that said nothing, this one included.
    """

    number: str
    status: Status | None
    accrual: int | None
    delay: float | None
    failures: int


class PollingStore(Protocol):
    """Where the numbers wait, and the gate that holds all who ask about them."""

    def claim(self, limit: int, seconds: float) -> Lease:
        """Take at most `limit` numbers that are due, for `seconds`; none behind a closed gate."""

    def settle(self, lease: UUID, results: Sequence[Result]) -> Sequence[str]:
        """Keep results and credit points, all at once; return the numbers they were kept of.

        What the lease no longer holds is left alone. A number whose points cannot be booked keeps
        its status, is due again much later, and does not hold up the others.
        """

    def release(self, lease: UUID, numbers: Sequence[str]) -> None:
        """Give numbers back: they are due at once."""

    def closed_for(self) -> float:
        """Return the seconds for which the gate stays closed, 0 if it is open."""

    def close(self, seconds: float) -> None:
        """Close the gate for all, for at least `seconds` from now."""


class Verdict(NamedTuple):
    """The accrual system knows the order; points in hundredths, None if there are none."""

    status: Status
    accrual: int | None


class Unknown(NamedTuple):
    """The accrual system does not know the order, or not yet."""


class Throttled(NamedTuple):
    """The accrual system wants to be left alone for so many seconds."""

    seconds: float


class Failed(NamedTuple):
    """There is no answer, or none that can be believed.

    Attributes:
        reason: For the log.
        away: Whether the system as a whole does not answer.
        unbookable: Whether it has decided, and on points that cannot be booked.
    """

    reason: str
    away: bool = False
    unbookable: bool = False


Answer = Verdict | Unknown | Throttled | Failed


class AccrualSystem(Protocol):
    """Says what orders are worth. Thread-safe; blocks, with a deadline; does not raise."""

    def ask(self, number: str) -> Answer:
        """Return what it says about one order."""


class PollingObserver(Protocol):
    """Told of every question and its result, for metrics."""

    def asked(self, answer: Answer, seconds: float) -> None:
        """The accrual system answered after `seconds`."""

    def settled(self, results: Sequence[Result]) -> None:
        """These results were kept."""
