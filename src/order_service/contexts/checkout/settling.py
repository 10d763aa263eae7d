"""Use case: what payments answers moves purchases on, and paid ones become orders."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from .errors import UnknownPurchaseError
from .model import Answer, Purchase, Status
from .ports import SettlementStore


class Settled(NamedTuple):
    """What answers did.

    Attributes:
        moved: Purchases that moved on.
        without_effect: How many answers moved none: they were repeated, or came too late.
    """

    moved: Sequence[Purchase]
    without_effect: int


def settle(
    store: SettlementStore, answers: Sequence[Answer], traces: Mapping[UUID, str]
) -> Settled:
    """Move purchases on to what `answers` say, in their order.

    Args:
        store: Where they are kept.
        answers: What payments says.
        traces: The spans that the answers come from, by purchase.

    Raises:
        UnknownPurchaseError: One of them is about a purchase that there is not.
    """
    moved: list[Purchase] = []
    for group in _groups(answers):
        found = store.move(group)
        if len(found) < len(group):
            _require_known(store, group, found)
        moved += found
    paid = [each for each in moved if each.status is Status.APPROVED and each.delivery]
    if paid:
        store.publish_orders(paid, traces)
    return Settled(moved, len(answers) - len(moved))


def _groups(answers: Sequence[Answer]) -> Iterator[list[Answer]]:
    """Yield answers that can be taken together, none about the same purchase as another."""
    group: dict[UUID, Answer] = {}
    for answer in answers:
        if answer.purchase in group:
            yield [*group.values()]
            group = {}
        group[answer.purchase] = answer
    if group:
        yield [*group.values()]


def _require_known(
    store: SettlementStore, answers: Sequence[Answer], moved: Sequence[Purchase]
) -> None:
    still = {answer.purchase for answer in answers} - {each.id for each in moved}
    if unknown := store.missing(still):
        raise UnknownPurchaseError(", ".join(map(str, unknown)))
