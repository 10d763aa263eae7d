"""Keeps the keys in memory as they are in the database, and makes the first ones.

Any number of processes do this. They see a rotation within a second or two; until then each signs
with a key that all others know, because a key is published before it signs.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from order_service.contexts.accounts.errors import (
    AccountsUnavailableError,
    RotationTooEarlyError,
    SharedSecretError,
)
from order_service.contexts.accounts.ports import Clock, KeyStore, StoredKey
from order_service.contexts.accounts.refresh_tokens import KEY_BYTES, RefreshTokens

from .keys import SigningKey, TokenKeys, key_set
from .sealing import KeySealing

_log = structlog.get_logger(__name__)

PUBLISHED = timedelta(minutes=10)
"""How long a key is shown before it may sign: twice what whoever verifies may keep our key set."""

_REFRESH_KEY_KNOWN = timedelta(minutes=1)
"""How old a key of refresh tokens must be before tokens are sealed with it: all know it by then."""

_MOST_REFRESH_KEYS = 255


class KeyKeeping:
    """Knows the keys; see :class:`tokens.keys.TokenKeys`. Thread-safe.

    Args:
        store: Where they are.
        sealing: Opens and seals what is stored.
        clock: The time now.
        token_lifetime: For how long an access token is valid.
        shared_secret: Secret of HS256; empty for ES256.
    """

    def __init__(
        self,
        store: KeyStore,
        sealing: KeySealing,
        clock: Clock,
        token_lifetime: timedelta,
        shared_secret: bytes = b"",
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._clock = clock
        self._retired_for = token_lifetime + PUBLISHED
        self._shared = SigningKey.shared(shared_secret) if shared_secret else None
        self._seen: tuple[object, ...] = ()
        self._keys: TokenKeys | None = None

    def keys(self) -> TokenKeys:
        """Return the keys as they were when they were last read.

        Raises:
            AccountsUnavailableError: They were never read.
        """
        if self._keys is None:
            raise AccountsUnavailableError("the keys have not been read yet")
        return self._keys

    def refresh(self) -> None:
        """Read the keys; make those that are missing. On failure the known ones stay in force.

        Raises:
            AccountsUnavailableError: They cannot be read or opened now.
        """
        signing = [] if self._shared else self._signing_keys()
        refreshing = self._refresh_keys()
        number = self._number(refreshing)
        seen = (signing, refreshing, number)
        if seen != self._seen:
            self._keys = self._assembled(signing, refreshing, number)
            self._seen = seen

    @property
    def signs_with_shared_secret(self) -> bool:
        """Whether no key signs tokens but the secret of HS256."""
        return self._shared is not None

    def _signing_keys(self) -> Sequence[StoredKey]:
        """Return the keys that count, the missing ones made: no token of others can be valid."""
        stored = self._store.signing_keys()
        missing = {"current", "next"} - {key.state for key in stored}
        if missing:
            for state in sorted(missing):
                self._store.add_signing_key(self.new_key(state))
            stored = self._store.signing_keys()
        since = self._clock() - self._retired_for
        return [key for key in stored if key.state != "retired" or key.since >= since]

    def _refresh_keys(self) -> Sequence[StoredKey]:
        stored = self._store.refresh_keys()
        if stored:
            return stored
        self._store.add_refresh_key(self.new_refresh_key([]))
        return self._store.refresh_keys()

    def _number(self, stored: Sequence[StoredKey]) -> int:
        """Return the number of the key to seal with: the newest that all processes know."""
        known = [key for key in stored if key.created_at + _REFRESH_KEY_KNOWN <= self._clock()]
        return int((known or stored[:1])[-1].id)

    def new_key(self, state: str) -> StoredKey:
        """Return a new signing key, sealed."""
        key, now = SigningKey.generate(), self._clock()
        sealed = self._sealing.seal(key.kid, key.private_bytes())
        return StoredKey(key.kid, state, sealed, now, now)

    def new_refresh_key(self, stored: Sequence[StoredKey]) -> StoredKey:
        """Return a new key of refresh tokens, sealed, to follow the `stored` ones."""
        number = str(max((int(key.id) for key in stored), default=0) + 1)
        if int(number) > _MOST_REFRESH_KEYS:
            raise RotationTooEarlyError("the numbers of refresh keys are used up")
        now = self._clock()
        sealed = self._sealing.seal(f"refresh {number}", secrets.token_bytes(KEY_BYTES))
        return StoredKey(number, "current", sealed, now, now)

    def _assembled(
        self, signing: Sequence[StoredKey], refreshing: Sequence[StoredKey], number: int
    ) -> TokenKeys:
        keys = {key.id: self._opened(key) for key in signing}
        current = next((keys[key.id] for key in signing if key.state == "current"), None)
        current = self._shared or current
        if current is None:
            raise AccountsUnavailableError("there is no key to sign with")
        verifying = {**keys, current.kid: current}
        secrets_ = {
            int(key.id): self._sealing.open(f"refresh {key.id}", key.sealed) for key in refreshing
        }
        _log.info("keys of tokens read", signing=current.kid, verifying=len(verifying))
        refresh = RefreshTokens(secrets_, number)
        return TokenKeys(current, verifying, refresh, key_set(list(verifying.values())))

    def _opened(self, key: StoredKey) -> SigningKey:
        try:
            return SigningKey.load(key.id, self._sealing.open(key.id, key.sealed))
        except ValueError as error:
            raise AccountsUnavailableError(f"key {key.id} is broken: {error}") from error


class KeyRotation:
    """Use case: change the keys, for operators.

    Args:
        store: Where the keys are.
        keeping: Makes new ones.
        clock: The time now.
        token_lifetime: For how long an access token is valid.
    """

    def __init__(
        self,
        store: KeyStore,
        keeping: KeyKeeping,
        clock: Clock,
        token_lifetime: timedelta,
    ) -> None:
        self._store = store
        self._keeping = keeping
        self._clock = clock
        self._token_lifetime = token_lifetime

    def rotate(self, *, at_once: bool = False, drop_current: bool = False) -> str:
        """Let the next key sign, publish a new next one, and return the kid that signs now.

        Args:
            at_once: Even if others who verify may not know the next key yet.
            drop_current: The key that signed until now, or one before it, is known to somebody:
                the tokens that they signed are invalid from now on.

        Raises:
            SharedSecretError: No key signs.
            RotationTooEarlyError: The next key is too young.
            AccountsUnavailableError: The keys cannot be read or written now.
        """
        if self._keeping.signs_with_shared_secret:
            raise SharedSecretError(
                "tokens are signed with accounts.token.secret (HS256): change that instead"
            )
        self._keeping.refresh()
        now = self._clock()
        following = next(key for key in self._store.signing_keys() if key.state == "next")
        if not at_once and following.since + PUBLISHED > now:
            raise RotationTooEarlyError(_when(following.since + PUBLISHED))
        self._store.drop_retired(now - self._token_lifetime - PUBLISHED)
        successor = self._keeping.new_key("next")
        self._store.rotate(following.id, successor, now, drop_current=drop_current)
        return following.id

    def rotate_refresh_key(self) -> str:
        """Seal refresh tokens with a new key, a minute from now; return its number.

        The keys before it stay valid: a token is sealed anew whenever it is renewed.
        """
        self._keeping.refresh()
        key = self._keeping.new_refresh_key(self._store.refresh_keys())
        self._store.add_refresh_key(key)
        return key.id


def _when(moment: datetime) -> str:
    return f"the next key is too young to sign: it may from {moment:%Y-%m-%d %H:%M:%S} UTC"
