"""What the use cases need from the outside; `postgres` implements it.

Every call blocks, with a deadline, and raises KeysUnavailableError if the keys cannot be read or
written now, or by this role.
"""

from collections.abc import Sequence
from typing import Protocol

from .model import KeyRecord, StoredKey


class KeyReader(Protocol):
    """Reads the keys that requests are checked against."""

    def valid(self) -> Sequence[StoredKey]:
        """Return all keys that are not revoked."""


class KeyStore(Protocol):
    """Keeps the keys, for operators."""

    def add(self, key: StoredKey) -> None:
        """Keep a new key.

        Raises:
            KeyExistsError: The name is taken by a key that is not revoked.
        """

    def revoke(self, name: str) -> None:
        """End the key of this name for good.

        Raises:
            NoSuchKeyError: There is none that is not revoked.
        """

    def records(self) -> Sequence[KeyRecord]:
        """Return all keys, revoked ones too, in the order of their making."""
