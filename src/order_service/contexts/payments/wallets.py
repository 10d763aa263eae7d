"""Use cases: open a wallet, put money into it, see what is there and what moved."""

from collections.abc import Callable
from uuid import UUID

from order_service.context.paging import Page, page_of
from order_service.ledger.model import KeyedCommand

from .model import Deposit, Wallet, WalletEntry
from .ports import Money, WalletStore

_NEWEST = 2**63 - 1


class Wallets:
    """The wallets of persons, one each in the currency of the shop.

    Everything raises StorageUnavailableError if the storage cannot answer now.

    Args:
        store: Keeps them.
        currency: ISO 4217 code.
        new_id: Makes the ids of wallets and deposits.
    """

    def __init__(self, store: WalletStore, currency: str, new_id: Callable[[], UUID]) -> None:
        self._store = store
        self._currency = currency
        self._new_id = new_id

    def open(self, owner: UUID) -> tuple[Wallet, bool]:
        """Return the wallet of a person, and whether it is new."""
        return self._store.open(self._new_id(), owner, self._currency)

    def find(self, owner: UUID) -> Wallet:
        """Return the wallet of a person.

        Raises:
            NoWalletError: There is none.
        """
        return self._store.find(owner, self._currency)

    def deposit(
        self, owner: UUID, amount: int, key: KeyedCommand | None = None
    ) -> tuple[Deposit, bool]:
        """Put money into the wallet of a person.

        Returns:
            The deposit, and whether it is new: with a key that came before it is the one of then.

        Raises:
            NoWalletError: There is none.
            TooMuchError: It would hold more than can be counted.
            KeyReusedError: The key came before with another request.
            StillRunningError: The request with this key is being handled.
        """
        wanted = self._new_id()
        deposit = self._store.deposit(wanted, owner, Money(amount, self._currency), key)
        return deposit, deposit.id == wanted

    def page(self, owner: UUID, limit: int, before: int | None) -> Page[WalletEntry, int]:
        """Return at most `limit` movements with an id below `before`, newest first.

        Raises:
            NoWalletError: There is no wallet.
        """
        self.find(owner)
        found = self._store.entries(
            owner, self._currency, limit + 1, _NEWEST if before is None else before
        )
        return page_of(found, limit, lambda entry: entry.id)
