"""Refresh tokens: a chain of secrets, each derived from the one before it and from our key.

A token names its session and its generation, carries a secret and is sealed. The database keeps the
SHA-256 of the newest secret alone, so that a copy of it opens no session. The successor of a secret
is an HMAC of it: the same token always has the same successor, which makes a repeated renewal
harmless, and who holds a token but not our key cannot know the next one. The seal tells a token
that was ours once from one that somebody made up, without a look at the database.

    ort_ base64url( key number 1 | session 16 | generation 4 | secret 32 | seal 16 )
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

PREFIX = "ort_"
KEY_BYTES = 32

_LAYOUT = struct.Struct(">B16sI32s")
_SEAL_BYTES = 16
_LENGTH = _LAYOUT.size + _SEAL_BYTES
# Base64 of 69 bytes: whole groups of three, so that each token has one spelling.
_is_token = re.compile(r"ort_[A-Za-z0-9_-]{92}\Z", re.ASCII).match
_MAX_GENERATION = 2**32 - 1


class RefreshToken(NamedTuple):
    """What a token says; `secret` must not be kept anywhere."""

    session_id: UUID
    generation: int
    secret: bytes

    @property
    def digest(self) -> bytes:
        """What is kept of the secret."""
        return hashlib.sha256(self.secret).digest()


class RefreshTokens:
    """Writes, reads and derives tokens with the keys of this service.

    Args:
        keys: By number, 1 to 255.
        current: Number of the one that new tokens are sealed with.
    """

    def __init__(self, keys: Mapping[int, bytes], current: int) -> None:
        self._keys = keys
        self._current = current

    def first(self, session_id: UUID) -> RefreshToken:
        """Return the first token of a new session."""
        return RefreshToken(session_id, 1, secrets.token_bytes(32))

    def write(self, token: RefreshToken) -> str:
        """Return the text that a client gets."""
        return self._write(token, self._current)

    def _write(self, token: RefreshToken, number: int) -> str:
        packed = _LAYOUT.pack(number, token.session_id.bytes, token.generation, token.secret)
        sealed = packed + _seal(self._keys[number], packed)
        return PREFIX + base64.urlsafe_b64encode(sealed).decode("ascii")

    def read(self, text: str) -> RefreshToken | None:
        """Return what a token says, None if it was never one of ours."""
        if not _is_token(text):
            return None
        try:
            raw = base64.urlsafe_b64decode(text[len(PREFIX) :])
        except binascii.Error:
            return None
        packed, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
        number, session, generation, secret = _LAYOUT.unpack(packed)
        key = self._keys.get(number)
        if key is None or not hmac.compare_digest(_seal(key, packed), seal):
            return None
        return RefreshToken(UUID(bytes=session), generation, secret)

    def successor(self, token: RefreshToken) -> RefreshToken:
        """Return the token that replaces this one."""
        return _successor(self._keys[self._current], token)

    def successors(self, token: RefreshToken) -> Iterator[RefreshToken]:
        """Yield what may have replaced this one: our key may have changed in that moment."""
        return (_successor(key, token) for key in self._keys.values())


def _seal(key: bytes, packed: bytes) -> bytes:
    return hmac.digest(key, b"seal" + packed, "sha256")[:_SEAL_BYTES]


def _successor(key: bytes, token: RefreshToken) -> RefreshToken:
    """Return the successor; the generations of a session are never used up in practice."""
    generation = min(token.generation + 1, _MAX_GENERATION)
    said = _LAYOUT.pack(0, token.session_id.bytes, generation, token.secret)
    return token._replace(generation=generation, secret=hmac.digest(key, b"next" + said, "sha256"))
