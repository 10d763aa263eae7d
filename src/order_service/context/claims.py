"""What contexts say of one thing that several of them keep books about, so that it can be compared.

A purchase is paid for in one context and sold in another, with messages in between. Both can be
asked what they think of it: if they think different things for longer than messages take, something
is wrong, and a person must know.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from uuid import UUID

if TYPE_CHECKING:
    from order_service.infra.postgres.database import Database


class Meaning(StrEnum):
    """What is thought of a thing that costs money."""

    UNDECIDED = "undecided"
    PAID = "paid"
    REFUSED = "refused"
    TAKEN_BACK = "taken back"


class Claim(NamedTuple):
    """What one context says of one thing.

    Attributes:
        id: Of the thing, the same in all contexts.
        meaning: What is thought of it.
        amount: What is paid for it, in minor units; 0 if nothing is.
        changed_at: When that was last changed, in UTC.
    """

    id: UUID
    meaning: Meaning
    amount: int
    changed_at: datetime


ClaimsReader: TypeAlias = "Callable[[Database, UUID, int], Sequence[Claim]]"
"""Returns claims about things with an id above the one given, in the order of their ids, at most as
many as the number given. Raises what the database raises."""
