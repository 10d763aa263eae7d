"""What the use cases of payments need from the outside, as Protocols."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from order_service.ledger.model import KeyedCommand

from .model import (
    Deposit,
    Outcome,
    PaymentRequest,
    Settlement,
    Wallet,
    WalletEntry,
)


class WalletStore(Protocol):
    """Keeps wallets. Every method raises StorageUnavailableError."""

    def open(self, wallet: UUID, owner: UUID, currency: str) -> tuple[Wallet, bool]:
        """Return the wallet of a person, with the id given if there was none; whether it is new."""

    def find(self, owner: UUID, currency: str) -> Wallet:
        """Return the wallet of a person.

        Raises:
            NoWalletError: There is none.
        """

    def deposit(
        self, deposit: UUID, owner: UUID, money: "Money", key: KeyedCommand | None
    ) -> Deposit:
        """Add money to a wallet, once for each id.

        Raises:
            NoWalletError: There is no wallet.
            TooMuchError: It would hold too much.
            KeyReusedError: The key came before with other content.
            StillRunningError: The request with this key is being handled.
        """

    def entries(self, owner: UUID, currency: str, limit: int, before: int) -> Sequence[WalletEntry]:
        """Return the newest movements with an id below `before`, newest first."""


class Money(NamedTuple):
    """An amount in minor units of a currency."""

    amount: int
    currency: str


class Book(Protocol):
    """What payments are settled in: one open transaction of the database."""

    def with_wallet(self, requests: Sequence[PaymentRequest]) -> Collection[tuple[UUID, str]]:
        """Return which of these owners have a wallet in which of these currencies."""

    def record(self, settlements: Sequence[Settlement]) -> Collection[UUID]:
        """Record what becomes of purchases; return those about which nothing was recorded before.

        Waits for another transaction that is recording the same one.
        """

    def recorded(self, purchases: Collection[UUID]) -> Mapping[UUID, Settlement]:
        """Return what is recorded, and have nobody else change it until the transaction ends."""

    def change(self, purchases: Collection[UUID], outcome: Outcome, reason: str = "") -> None:
        """Change what is recorded about purchases."""

    def funds(self, requests: Sequence[PaymentRequest]) -> Mapping[tuple[UUID, str], int]:
        """Return what is in the wallets, by owner and currency; one that is empty may be missing.

        Nobody else changes them until the transaction ends.
        """

    def debit(self, requests: Sequence[PaymentRequest]) -> None:
        """Take amounts from wallets that suffice for them."""

    def give_back(self, settlement: Settlement) -> None:
        """Give back what was taken for a purchase."""

    def answer(self, settlements: Sequence[Settlement]) -> None:
        """Have it published what became of purchases, in this order, with the transaction."""
