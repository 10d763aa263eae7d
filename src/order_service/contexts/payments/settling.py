"""Use case: decide on requests to pay, each once, however often and in whatever company they come.

Several are decided together, because a transaction costs more than a payment. The meaning is that
of one after the other: money that only suffices for some goes to those that came first.
"""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from .errors import ConflictingRequestError
from .model import (
    Outcome,
    PaymentCancellation,
    PaymentCommand,
    PaymentRequest,
    Reason,
    Settlement,
)
from .ports import Book


def settle(book: Book, commands: Sequence[PaymentCommand], max_amount: int) -> list[Settlement]:
    """Decide on `commands`, in their order, and have the answers published; return these.

    Args:
        book: Where it is recorded.
        commands: Requests and cancellations.
        max_amount: The largest amount that is paid at once.

    Raises:
        ConflictingRequestError: A purchase was asked about before, for another amount.
    """
    answers = [
        answer
        for group in _groups(commands)
        for answer in (
            [_cancel(book, group)]
            if isinstance(group, PaymentCancellation)
            else _pay(book, group, max_amount)
        )
    ]
    book.answer(answers)
    return answers


def _groups(
    commands: Sequence[PaymentCommand],
) -> Iterator[PaymentCancellation | list[PaymentRequest]]:
    """Yield requests that can be decided together, none about the same purchase as another."""
    group: dict[UUID, PaymentRequest] = {}
    for command in commands:
        if isinstance(command, PaymentCancellation) or command.purchase in group:
            if group:
                yield [*group.values()]
            group = {}
        if isinstance(command, PaymentCancellation):
            yield command
        else:
            group[command.purchase] = command
    if group:
        yield [*group.values()]


def _pay(book: Book, requests: Sequence[PaymentRequest], max_amount: int) -> list[Settlement]:
    owners = book.with_wallet(requests)
    found = {
        each.purchase: _at_first(each, max_amount, has_wallet=(each.owner, each.currency) in owners)
        for each in requests
    }
    fresh = set(book.record([*found.values()]))
    if len(fresh) < len(found):
        found |= _known(book, [each for each in requests if each.purchase not in fresh])
    approved = [
        each
        for each in requests
        if each.purchase in fresh and found[each.purchase].outcome is Outcome.APPROVED
    ]
    if unpaid := _debit(book, approved):
        reason = Reason.INSUFFICIENT_FUNDS
        book.change([each.purchase for each in unpaid], Outcome.REJECTED, reason)
        found |= {each.purchase: _settled(each, Outcome.REJECTED, reason) for each in unpaid}
    return [found[each.purchase] for each in requests]


def _at_first(request: PaymentRequest, max_amount: int, *, has_wallet: bool) -> Settlement:
    """Return what becomes of a request if there is enough money."""
    if request.amount > max_amount:
        return _settled(request, Outcome.REJECTED, Reason.AMOUNT_TOO_LARGE)
    if not has_wallet:
        return _settled(request, Outcome.REJECTED, Reason.NO_WALLET)
    return _settled(request, Outcome.APPROVED)


def _debit(book: Book, requests: Sequence[PaymentRequest]) -> list[PaymentRequest]:
    """Debit what the wallets suffice for, the first ones first; return the others.

    The number of statements does not depend on how many are refused: a batch of poor people must
    not take longer than its transaction may.
    """
    if not requests:
        return []
    funds = dict(book.funds(requests))
    payable, unpaid = [], []
    for each in requests:
        wallet = each.owner, each.currency
        left = funds.get(wallet, 0) - each.amount
        if left < 0:
            unpaid.append(each)
        else:
            funds[wallet] = left
            payable.append(each)
    if payable:
        book.debit(payable)
    return unpaid


def _known(book: Book, requests: Sequence[PaymentRequest]) -> Mapping[UUID, Settlement]:
    """Return what was decided about these before."""
    found = book.recorded([each.purchase for each in requests])
    for request in requests:
        _require_same(found[request.purchase], request)
    return found


def _cancel(book: Book, wanted: PaymentCancellation) -> Settlement:
    cancelled = _settled(wanted, Outcome.CANCELLED)
    if book.record([cancelled]):
        return cancelled
    before = book.recorded([wanted.purchase])[wanted.purchase]
    _require_same(before, wanted)
    if before.outcome is Outcome.APPROVED:
        book.give_back(before)
        book.change([wanted.purchase], Outcome.REFUNDED)
        return _settled(wanted, Outcome.REFUNDED)
    if before.outcome is Outcome.REJECTED:
        book.change([wanted.purchase], Outcome.CANCELLED)
        return cancelled
    return before


def _settled(command: PaymentCommand, outcome: Outcome, reason: str = "") -> Settlement:
    purchase, owner, amount, currency = command
    return Settlement(purchase, owner, amount, currency, outcome, reason)


def _require_same(before: Settlement, command: PaymentCommand) -> None:
    if not before.is_about(command):
        raise ConflictingRequestError(str(command.purchase))
