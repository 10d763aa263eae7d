"""Where payments are settled: a transaction that also holds the messages and their answers."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from order_service.infra.postgres.database import Transaction
from order_service.ledger.model import Leg, Transfer
from order_service.messaging.outbox import Outbox

from .events import settled_message
from .model import (
    Kind,
    Outcome,
    PaymentRequest,
    Settlement,
    refund_of,
    spent_account,
    wallet_account,
)
from .storage import LEDGER, QUERIES, SCHEMA

_OUTBOX = Outbox(SCHEMA)


class Answering(NamedTuple):
    """How answers are sent.

    Attributes:
        topic: Where to.
        traces: The span that an answer is a consequence of, by purchase.
    """

    topic: str
    traces: Mapping[UUID, str] = {}


class PostgresBook:
    """Implements :class:`ports.Book`.

    Args:
        transaction: An open one.
        answering: How answers are sent.
    """

    def __init__(self, transaction: Transaction, answering: Answering) -> None:
        self._transaction = transaction
        self._answering = answering

    def with_wallet(self, requests: Sequence[PaymentRequest]) -> Collection[tuple[UUID, str]]:
        """See :meth:`ports.Book.with_wallet`."""
        wanted = {
            "owners": list({each.owner for each in requests}),
            "currencies": list({each.currency for each in requests}),
        }
        rows = self._transaction.execute(QUERIES["wallets_of"], wanted)
        return {(owner, currency) for owner, currency in rows}

    def record(self, settlements: Sequence[Settlement]) -> Collection[UUID]:
        """See :meth:`ports.Book.record`."""
        names = ("purchases", "owners", "amounts", "currencies", "outcomes", "reasons")
        columns = map(list, zip(*settlements, strict=True))
        wanted = dict(zip(names, columns, strict=True))
        return {row[0] for row in self._transaction.execute(QUERIES["record_payments"], wanted)}

    def recorded(self, purchases: Collection[UUID]) -> Mapping[UUID, Settlement]:
        """See :meth:`ports.Book.recorded`."""
        wanted = {"purchases": [*purchases]}
        rows = self._transaction.execute(QUERIES["recorded_payments"], wanted)
        found = [Settlement(*row)._replace(outcome=Outcome(row[4])) for row in rows]
        return {each.purchase: each for each in found}

    def change(self, purchases: Collection[UUID], outcome: Outcome, reason: str = "") -> None:
        """See :meth:`ports.Book.change`."""
        wanted = {"purchases": [*purchases], "outcome": outcome, "reason": reason}
        self._transaction.execute(QUERIES["change_payments"], wanted)

    def funds(self, requests: Sequence[PaymentRequest]) -> Mapping[tuple[UUID, str], int]:
        """See :meth:`ports.Book.funds`."""
        # What they have spent is locked, too, in the order in which the ledger locks it.
        accounts = {
            (each.owner, account(each.currency)): each.currency
            for each in requests
            for account in (spent_account, wallet_account)
        }
        owners, names = map(list, zip(*accounts, strict=True))
        wanted = {"owners": owners, "accounts": names}
        rows = self._transaction.execute(QUERIES["lock_balances"], wanted)
        return {
            (owner, accounts[owner, name]): amount
            for owner, name, amount in rows
            if name == wallet_account(accounts[owner, name])
        }

    def debit(self, requests: Sequence[PaymentRequest]) -> None:
        """See :meth:`ports.Book.debit`."""
        LEDGER.post_all(self._transaction.execute, [_debit(each) for each in requests])

    def give_back(self, settlement: Settlement) -> None:
        """See :meth:`ports.Book.give_back`."""
        purchase = settlement.purchase
        LEDGER.reverse(self._transaction.execute, purchase, [settlement.owner], refund_of(purchase))

    def answer(self, settlements: Sequence[Settlement]) -> None:
        """See :meth:`ports.Book.answer`."""
        topic, traces = self._answering
        messages = (
            settled_message(each, topic, traces.get(each.purchase, "")) for each in settlements
        )
        _OUTBOX.add(self._transaction, *messages)


def _debit(request: PaymentRequest) -> Transfer:
    purchase, owner, amount, currency = request
    leg = Leg(owner, wallet_account(currency), spent_account(currency), amount)
    return Transfer(purchase, Kind.PURCHASE, [leg], str(purchase))
