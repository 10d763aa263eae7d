"""Use case: make, revoke and list keys, for operators."""

import re
from collections.abc import Callable, Collection, Sequence

from .model import NAME_PATTERN, KeyRecord, StoredKey, digest_of, new_key
from .ports import KeyStore

_valid_name = re.compile(NAME_PATTERN).match


class KeyIssuing:
    """Makes and ends keys. Everything raises KeysUnavailableError, as the store does.

    Args:
        store: Where they are kept.
        make: Makes the text of a new key.
    """

    def __init__(self, store: KeyStore, make: Callable[[], str] = new_key) -> None:
        self._store = store
        self._make = make

    def create(self, name: str, scopes: Collection[str]) -> str:
        """Keep a new key and return it; nobody can show it a second time.

        Raises:
            ValueError: `name` does not match NAME_PATTERN, or there is no scope.
            KeyExistsError: The name is taken by a key that is not revoked.
        """
        if not _valid_name(name):
            raise ValueError("a name is 1 to 64 letters, digits and -_. and begins with no sign")
        if not scopes:
            raise ValueError("a key without a scope admits nothing")
        key = self._make()
        digest = digest_of(key)
        if digest is None:
            raise ValueError("the generator made no key")
        self._store.add(StoredKey(name, digest, frozenset(scopes)))
        return key

    def revoke(self, name: str) -> None:
        """End a key; every API process refuses it within its refresh interval.

        Raises:
            NoSuchKeyError: There is none of this name that is not revoked.
        """
        self._store.revoke(name)

    def records(self) -> Sequence[KeyRecord]:
        """Return all keys, revoked ones too."""
        return self._store.records()
