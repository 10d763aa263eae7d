"""Deciding on payments together means what deciding on them one after the other means."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.contexts.payments.errors import ConflictingRequestError
from order_service.contexts.payments.model import (
    Outcome,
    PaymentCancellation,
    PaymentCommand,
    PaymentRequest,
    Settlement,
)
from order_service.contexts.payments.settling import settle

MOST = 50
RICH, POOR, NOBODY = (UUID(int=number) for number in (1, 2, 3))


class MemoryBook:
    """Implements ports.Book."""

    def __init__(self) -> None:
        self.balances = {(RICH, "USD"): 100, (POOR, "USD"): 10}
        self.payments: dict[UUID, Settlement] = {}
        self.answers: list[Settlement] = []
        self.debits: dict[UUID, int] = defaultdict(int)

    def with_wallet(self, requests: Sequence[PaymentRequest]) -> Collection[tuple[UUID, str]]:
        return {key for each in requests if (key := (each.owner, each.currency)) in self.balances}

    def record(self, settlements: Sequence[Settlement]) -> Collection[UUID]:
        assert len({each.purchase for each in settlements}) == len(settlements)
        fresh = [each for each in settlements if each.purchase not in self.payments]
        self.payments |= {each.purchase: each for each in fresh}
        return [each.purchase for each in fresh]

    def recorded(self, purchases: Collection[UUID]) -> Mapping[UUID, Settlement]:
        return {each: self.payments[each] for each in purchases}

    def change(self, purchases: Collection[UUID], outcome: Outcome, reason: str = "") -> None:
        for each in purchases:
            self.payments[each] = self.payments[each]._replace(outcome=outcome, reason=reason)

    def funds(self, requests: Sequence[PaymentRequest]) -> Mapping[tuple[UUID, str], int]:
        wallets = {(each.owner, each.currency) for each in requests}
        return {each: self.balances[each] for each in wallets if self.balances[each]}

    def debit(self, requests: Sequence[PaymentRequest]) -> None:
        for each in requests:
            self.balances[each.owner, each.currency] -= each.amount
            self.debits[each.purchase] += 1
        assert min(self.balances.values()) >= 0

    def give_back(self, settlement: Settlement) -> None:
        self.balances[settlement.owner, settlement.currency] += settlement.amount
        self.debits[settlement.purchase] -= 1

    def answer(self, settlements: Sequence[Settlement]) -> None:
        self.answers += settlements


def request(number: int, amount: int = 5, owner: UUID = RICH) -> PaymentRequest:
    return PaymentRequest(UUID(int=number), owner, amount, "USD")


def cancelled(wanted: PaymentRequest) -> PaymentCancellation:
    return PaymentCancellation(*wanted)


REQUESTS = st.builds(
    lambda number, owner, amount: request(1000 * owner.int + 100 * amount + number, amount, owner),
    st.integers(0, 3),
    st.sampled_from([RICH, POOR, NOBODY]),
    st.sampled_from([1, 4, 7, 30, 51]),
)
COMMANDS = st.lists(st.one_of(REQUESTS, REQUESTS.map(cancelled)), max_size=25)


@given(COMMANDS)
def test_together_is_one_after_the_other(commands: list[PaymentCommand]) -> None:
    together, apart = MemoryBook(), MemoryBook()
    settle(together, commands, MOST)
    for command in commands:
        settle(apart, [command], MOST)
    assert together.answers == apart.answers
    assert together.balances == apart.balances
    assert together.payments == apart.payments


@given(COMMANDS, COMMANDS)
def test_what_comes_again_changes_nothing(
    commands: list[PaymentCommand], others: list[PaymentCommand]
) -> None:
    book = MemoryBook()
    settle(book, commands, MOST)
    balances, payments = dict(book.balances), dict(book.payments)
    again = [each for each in others if each in commands and isinstance(each, PaymentRequest)]
    settle(book, again, MOST)
    assert (book.balances, book.payments) == (balances, payments)


@given(COMMANDS)
def test_what_is_approved_was_debited_once_and_nothing_else_was(
    commands: list[PaymentCommand],
) -> None:
    book = MemoryBook()
    settle(book, commands, MOST)
    for purchase, payment in book.payments.items():
        assert book.debits[purchase] == (payment.outcome is Outcome.APPROVED)
    spent = sum(p.amount for p in book.payments.values() if p.outcome is Outcome.APPROVED)
    assert sum(book.balances.values()) == 110 - spent
    assert len(book.answers) == len(commands)


def test_money_goes_to_those_that_came_first() -> None:
    book = MemoryBook()
    wanted = [request(number, 6 - number, POOR) for number in range(1, 5)]  # 5, 4, 3, 2
    outcomes = [each.outcome for each in settle(book, wanted, MOST)]
    assert outcomes == [Outcome.APPROVED, Outcome.APPROVED, Outcome.REJECTED, Outcome.REJECTED]
    assert book.balances[POOR, "USD"] == 1


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (request(1, 5, NOBODY), "no_wallet"),
        (request(1, 11, POOR), "insufficient_funds"),
        (request(1, 51), "amount_too_large"),
    ],
)
def test_a_refusal_has_a_reason(wanted: PaymentRequest, reason: str) -> None:
    (answer,) = settle(MemoryBook(), [wanted], MOST)
    assert (answer.outcome, answer.reason) == (Outcome.REJECTED, reason)


def test_a_cancellation_that_overtakes_its_request_keeps_it_from_being_paid() -> None:
    book = MemoryBook()
    answers = settle(book, [cancelled(request(1)), request(1)], MOST)
    assert [each.outcome for each in answers] == [Outcome.CANCELLED] * 2
    assert book.balances[RICH, "USD"] == 100


@pytest.mark.parametrize("second", [request(1, 6), request(1, 5, POOR), cancelled(request(1, 6))])
def test_the_same_purchase_with_other_content_is_refused(second: PaymentCommand) -> None:
    book = MemoryBook()
    settle(book, [request(1, 5)], MOST)
    with pytest.raises(ConflictingRequestError):
        settle(book, [second], MOST)
