"""Wallets, and what becomes of requests to pay from them. Amounts are in minor units."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias
from uuid import UUID, uuid5


class Outcome(StrEnum):
    """What became of a payment."""

    APPROVED = "approved"
    """The wallet was debited."""
    REJECTED = "rejected"
    """It was not, for a reason."""
    REFUNDED = "refunded"
    """It was, and that was taken back."""
    CANCELLED = "cancelled"
    """It was not, and never will be."""


class Reason(StrEnum):
    """Why a payment was rejected."""

    NO_WALLET = "no_wallet"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    AMOUNT_TOO_LARGE = "amount_too_large"


class Kind(StrEnum):
    """Why an amount moved, as the ledger has it."""

    DEPOSIT = "deposit"
    PURCHASE = "purchase"
    REVERSAL = "reversal"


class Wallet(NamedTuple):
    """Money of a person in one currency.

    Attributes:
        currency: ISO 4217 code.
        balance: What is there, never below zero.
        created_at: In UTC.
    """

    id: UUID
    owner: UUID
    currency: str
    balance: int
    created_at: datetime


class Deposit(NamedTuple):
    """Money that came into a wallet.

    Attributes:
        id: Of its transfer.
        balance: Of the wallet, behind it.
    """

    id: UUID
    amount: int
    currency: str
    balance: int


class WalletEntry(NamedTuple):
    """A movement as the wallet's owner sees it.

    Attributes:
        id: Grows with time; a cursor for pages.
        change: Positive if it came in.
        balance: Of the wallet, behind it.
        reference: Id of the purchase; empty for a deposit.
    """

    id: int
    transfer: UUID
    kind: Kind
    change: int
    balance: int
    reference: str
    created_at: datetime


class PaymentRequest(NamedTuple):
    """A purchase that is to be paid for; asking again changes nothing."""

    purchase: UUID
    owner: UUID
    amount: int
    currency: str


class PaymentCancellation(NamedTuple):
    """A purchase that shall not be paid for: what was taken for it is given back."""

    purchase: UUID
    owner: UUID
    amount: int
    currency: str


PaymentCommand: TypeAlias = PaymentRequest | PaymentCancellation


class Settlement(NamedTuple):
    """What became of the payment of a purchase.

    Attributes:
        reason: Of a rejection; empty otherwise.
    """

    purchase: UUID
    owner: UUID
    amount: int
    currency: str
    outcome: Outcome
    reason: str = ""

    def is_about(self, command: PaymentCommand) -> bool:
        """Return whether a command asks about the very payment that this settled."""
        return self[:4] == command[:4]


def refund_of(purchase: UUID) -> UUID:
    """Return the id of the transfer that gives back what was taken for a purchase."""
    return uuid5(purchase, "refund")


def wallet_account(currency: str) -> str:
    """Return the account of what a person has."""
    return f"wallet:{currency}"


def spent_account(currency: str) -> str:
    """Return the account of what a person has paid."""
    return f"spent:{currency}"


def outside_account(currency: str) -> str:
    """Return the account of what came from outside."""
    return f"outside:{currency}"
