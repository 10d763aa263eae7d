"""Use case: what payments answers moves purchases on, and paid ones become orders."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from .errors import UnknownPurchaseError
from .model import Answer, Outcome, Purchase, Status
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
            found = [*found, *_unmoved(store, group, found)]
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


def _unmoved(
    store: SettlementStore, answers: Sequence[Answer], moved: Sequence[Purchase]
) -> Sequence[Purchase]:
    """See to the answers that moved nothing; return those that are taken back because of them.

    Who was told that a purchase was rejected may have bought elsewhere. Payments approves it later
    if it was restored from a backup, money came in, and the request is read again: that money must
    go back.
    """
    already = {each.id for each in moved}
    still = {each.purchase: each.outcome for each in answers if each.purchase not in already}
    if unknown := store.missing(still):
        raise UnknownPurchaseError(", ".join(map(str, unknown)))
    approved = [each for each, outcome in still.items() if outcome is Outcome.APPROVED]
    return store.take_back_rejected(approved) if approved else []
