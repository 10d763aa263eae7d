"""What the use cases need from the outside; `postgres` implements it."""

from collections.abc import Sequence
from typing import Protocol

from .model import KeyRecord, StoredKey


class KeyReader(Protocol):
    """Reads the keys that requests are checked against. Blocks, with a deadline."""

    def valid(self) -> Sequence[StoredKey]:
        """Return all keys that are not revoked.

        Raises:
            KeysUnavailableError: They cannot be read now.
        """


class KeyStore(Protocol):
    """Keeps the keys, for operators. Blocks, with a deadline."""

    def add(self, key: StoredKey) -> None:
        """Keep a new key.

        Raises:
            KeyExistsError: The name is taken by a key that is not revoked.
            KeysUnavailableError: It cannot be stored now, or by this role.
        """

    def revoke(self, name: str) -> None:
        """End the key of this name for good.

        Raises:
            NoSuchKeyError: There is none that is not revoked.
            KeysUnavailableError: It cannot be stored now, or by this role.
        """

    def records(self) -> Sequence[KeyRecord]:
        """Return all keys, revoked ones too, in the order of their making.

        Raises:
            KeysUnavailableError: They cannot be read now.
        """
