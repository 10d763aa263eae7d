"""The check of an access token: local, and remembered until the token expires.

A token that was proven once is found again by a keyed digest of its exact text: 64 bits of somebody
else's guess at it would not do, and the text itself does not lie about in memory. Nothing is
remembered of a token that was refused. The revocation of its session and the removal of its key are
looked at each time.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Container
from contextlib import suppress

from order_service.contexts.accounts.errors import InvalidTokenError

from .claims import Audience, Identity, check_header, identity_of
from .keys import TokenKeys
from .strict_jws import MAX_BYTES, parse

_DIGEST_BYTES = 16


class TokenVerification:
    """Checks access tokens. Thread-safe; does not block.

    Args:
        audience: What they must say of who issues and who accepts them.
        keys: Returns the keys as they are now; raises AccountsUnavailableError without any.
        revoked: Ids of sessions that ended while tokens of theirs may be valid.
        cache_size: Tokens that are remembered; 0 for none.
        clock: Unix time.
    """

    def __init__(
        self,
        audience: Audience,
        keys: Callable[[], TokenKeys],
        revoked: Container[str],
        cache_size: int = 65536,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._audience = audience
        self._keys = keys
        self._revoked = revoked
        self._cache_size = cache_size
        self._clock = clock
        self._digest_key = secrets.token_bytes(32)
        self._proven: OrderedDict[bytes, Identity] = OrderedDict()

    def verify(self, token: str) -> Identity:
        """Return what a valid token says.

        Raises:
            InvalidTokenError: It is not valid, or its session has ended.
            AccountsUnavailableError: The keys or the revocations were never read.
        """
        keys = self._keys()
        digest = self._digest(token)
        identity = self._proven.get(digest)
        if identity is None:
            identity = self._remember(digest, self._examine(token, keys))
        elif self._clock() >= identity.expires_at or identity.kid not in keys.verifying:
            self._proven.pop(digest, None)
            raise InvalidTokenError("expired, or its key is withdrawn")
        if identity.session_id in self._revoked:
            raise InvalidTokenError("its session has ended")
        return identity

    def _digest(self, token: str) -> bytes:
        if len(token) > MAX_BYTES or not token.isascii():
            raise InvalidTokenError("too long or not ASCII")
        raw = token.encode("ascii")
        return hashlib.blake2b(raw, key=self._digest_key, digest_size=_DIGEST_BYTES).digest()

    def _examine(self, token: str, keys: TokenKeys) -> Identity:
        parts = parse(token)
        kid = parts.header.get("kid")
        # The header names a key of ours or none: nothing in it says where to get one.
        key = keys.verifying.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise InvalidTokenError("no key of ours")
        check_header(parts.header, key.algorithm)
        key.verify(token)
        return identity_of(parts.claims, key.kid, self._audience, self._clock())

    def _remember(self, digest: bytes, identity: Identity) -> Identity:
        """Keep it as the newest; the oldest makes room. Each step is atomic by itself."""
        if self._cache_size:
            self._proven[digest] = identity
            while len(self._proven) > self._cache_size:
                with suppress(KeyError):  # another thread was faster
                    self._proven.popitem(last=False)
        return identity
