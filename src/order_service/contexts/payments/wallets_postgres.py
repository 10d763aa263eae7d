"""Wallets in Postgres, on the ledger of this context."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import Row
from order_service.ledger import errors as ledger_errors
from order_service.ledger.model import KeyedCommand, Leg, Transfer

from .errors import NoWalletError, TooMuchError
from .model import (
    Deposit,
    Kind,
    Wallet,
    WalletEntry,
    outside_account,
    wallet_account,
)
from .ports import Money
from .storage import IDEMPOTENCY, LEDGER, QUERIES, available

_NOBODY = UUID(int=0)


class PostgresWallets:
    """Implements :class:`ports.WalletStore`.

    Args:
        database: An open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self) -> None:
        """Raise StorageUnavailableError unless wallets can be read."""
        self._rows("wallet_of", _place(_NOBODY, "USD"))

    def open(self, wallet: UUID, owner: UUID, currency: str) -> tuple[Wallet, bool]:
        """See :meth:`ports.WalletStore.open`."""
        values = {"id": wallet, "owner": owner, "currency": currency}
        with available():
            new = bool(self._database.write(QUERIES["open_wallet"], values))
        return self.find(owner, currency), new

    def find(self, owner: UUID, currency: str) -> Wallet:
        """See :meth:`ports.WalletStore.find`."""
        rows = self._rows("wallet_of", _place(owner, currency))
        if not rows:
            raise NoWalletError(str(owner))
        return Wallet(*rows[0])

    def entries(self, owner: UUID, currency: str, limit: int, before: int) -> Sequence[WalletEntry]:
        """See :meth:`ports.WalletStore.entries`."""
        wanted = _place(owner, currency) | {"limit": limit, "before": before}
        return [WalletEntry(*row) for row in self._rows("wallet_entries", wanted)]

    def deposit(
        self, deposit: UUID, owner: UUID, money: Money, key: KeyedCommand | None
    ) -> Deposit:
        """See :meth:`ports.WalletStore.deposit`.

        Where the connection was lost on the way, it is tried again at once: the id of the deposit,
        or the key, tells whether it took effect.
        """
        with available():
            try:
                return self._deposit(deposit, owner, money, key)
            except UnavailableError as error:
                if not error.outcome_unknown:
                    raise
            return self._deposit(deposit, owner, money, key)

    def _deposit(
        self, deposit: UUID, owner: UUID, money: Money, key: KeyedCommand | None
    ) -> Deposit:
        try:
            answer = self._database.run(
                "deposit", lambda opened: _answer(opened, deposit, owner, money, key)
            )
        except ledger_errors.DuplicateTransferError:
            return Deposit(deposit, *money, self.find(owner, money.currency).balance)
        except ledger_errors.LimitError as error:
            raise TooMuchError(str(owner)) from error
        return msgspec.json.decode(answer, type=Deposit)

    def _rows(self, query: str, values: Mapping[str, Any]) -> list[Row]:
        with available():
            return self._database.read(QUERIES[query], values)


def _answer(
    opened: Transaction, deposit: UUID, owner: UUID, money: Money, key: KeyedCommand | None
) -> bytes:
    """Have the effect, unless the key had it before; return the answer."""

    def effect() -> bytes:
        if not opened.execute(QUERIES["wallet_of"], _place(owner, money.currency)):
            raise NoWalletError(str(owner))
        return msgspec.json.encode(Deposit(deposit, *money, _post(opened, deposit, owner, money)))

    if key is None:
        return effect()
    return IDEMPOTENCY.answer(opened.execute, key, effect)


def _post(opened: Transaction, deposit: UUID, owner: UUID, money: Money) -> int:
    """Move the money and return the balance behind it."""
    account = wallet_account(money.currency)
    leg = Leg(owner, outside_account(money.currency), account, money.amount)
    balances = LEDGER.post(opened.execute, Transfer(deposit, Kind.DEPOSIT, [leg]))
    return balances[owner, account].amount


def _place(owner: UUID, currency: str) -> dict[str, object]:
    return {"owner": owner, "currency": currency, "account": wallet_account(currency)}
