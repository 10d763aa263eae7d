"""Transfers, balances and entries. Amounts are positive integers in minor units."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

OUTSIDE = "outside"
"""The account for what comes from outside and goes there. It may be negative, as may those that
are named `outside:` and something."""

MAX_TOTAL = 2**63 - 1
"""Most that an account may have been credited, or debited, in all its time."""


class Leg(NamedTuple):
    """One movement between two accounts of one owner.

    Attributes:
        owner: Whose accounts they are.
        source: The account that is debited.
        target: The account that is credited; another than `source`.
        amount: In minor units, at least 1.
    """

    owner: UUID
    source: str
    target: str
    amount: int


class Transfer(NamedTuple):
    """Legs that take effect together or not at all.

    Attributes:
        id: Unique; posted a second time it is refused, so an id that is derived from the cause
            makes its effect happen at most once.
        kind: What it is about, such as ``withdrawal``: 1 to 32 characters.
        legs: At least one.
        reference: What it is about, such as the number of an order; at most 255 characters.
    """

    id: UUID
    kind: str
    legs: Sequence[Leg]
    reference: str = ""


class Balance(NamedTuple):
    """What an account holds, with the sums that it is the difference of.

    Attributes:
        credited: All that ever came in.
        debited: All that ever went out.
    """

    credited: int = 0
    debited: int = 0

    @property
    def amount(self) -> int:
        """Return what is there now, in minor units."""
        return self.credited - self.debited


class Entry(NamedTuple):
    """A leg as it was posted.

    Attributes:
        id: Grows with the time of posting within an account; a cursor for pages.
        reverses: The transfer that it takes back, if it is a reversal.
        source_balance: Of the account that was debited, after its transfer.
        target_balance: Of the account that was credited, after its transfer.
        created_at: In UTC.
    """

    id: int
    transfer: UUID
    kind: str
    reference: str
    source: str
    target: str
    amount: int
    reverses: UUID | None
    source_balance: int
    target_balance: int
    created_at: datetime


class Difference(NamedTuple):
    """An account whose balance is not what its entries say.

    Attributes:
        kept: The balance that is kept beside the entries; None if there is no row.
        entries: The balance that the entries add up to.
    """

    owner: UUID
    account: str
    kept: Balance | None
    entries: Balance


class KeyedCommand(NamedTuple):
    """What is asked, by whom, under which key.

    Attributes:
        owner: Who asks; keys of different owners have nothing to do with each other.
        key: The ``Idempotency-Key``: 1 to 255 characters, no NUL.
        content: What is asked, whole: operation and parameters.
    """

    owner: UUID
    key: str
    content: bytes
