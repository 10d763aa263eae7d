"""Numbers of orders, points, and what moves them. Points are integers in hundredths."""

import uuid
from datetime import datetime
from enum import Enum, StrEnum
from typing import NamedTuple
from uuid import UUID

MAX_POINTS = 10**15
"""Most points that one movement may have, in hundredths."""

MAX_COMMENT = 255
"""Longest comment, in characters."""

AVAILABLE, WITHDRAWN = "available", "withdrawn"
"""The accounts of a person on the ledger, beside the one outside."""

_NAMESPACE = UUID("4c2d1c1f-5b6e-4f2c-9d0c-3a8f3f0e7a51")
"""Of the ids of movements that have one cause and must happen once."""


class Status(StrEnum):
    """How far the number of an order is; the last two are final."""

    NEW = "NEW"
    PROCESSING = "PROCESSING"
    INVALID = "INVALID"
    PROCESSED = "PROCESSED"


class Uploaded(Enum):
    """What came of an upload that was not refused."""

    NOW = "now"
    BEFORE = "before"


class UploadedNumber(NamedTuple):
    """The number of an order that somebody hopes to get points for; `uploaded_at` in UTC."""

    number: str
    status: Status
    accrual: int | None
    uploaded_at: datetime


class Balance(NamedTuple):
    """The points of a person: those that there are, and those that were withdrawn in all."""

    current: int
    withdrawn: int


class Kind(StrEnum):
    """Why points moved."""

    ACCRUAL = "accrual"
    BONUS = "bonus"
    WITHDRAWAL = "withdrawal"
    SPENDING = "spending"
    CREDIT = "credit"
    DEBIT = "debit"
    EXPIRY = "expiry"
    REVERSAL = "reversal"


class Movement(NamedTuple):
    """Points that come, go or are spent.

    Attributes:
        id: Unique; a movement happens once.
        amount: In hundredths, at least 1.
        reference: The number of the order, or a comment.
    """

    id: UUID
    owner: UUID
    kind: Kind
    amount: int
    reference: str = ""


class Withdrawal(NamedTuple):
    """Points that were withdrawn for an order; `processed_at` in UTC."""

    id: int
    order: str
    amount: int
    processed_at: datetime


class HistoryEntry(NamedTuple):
    """A movement as it was booked.

    Attributes:
        id: Grows with the time.
        change: What it did to the points that there are; negative if it took some.
        balance: The points that there were after it.
        reverses: The movement that it takes back, if it is a reversal.
    """

    id: int
    movement: UUID
    kind: Kind
    change: int
    balance: int
    reference: str
    reverses: UUID | None
    created_at: datetime


def id_of_cause(*cause: object) -> UUID:
    """Return the id of the movement that one cause has, the same each time."""
    return uuid.uuid5(_NAMESPACE, "\0".join(map(str, cause)))
