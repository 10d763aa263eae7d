"""API keys: what a key looks like, what it admits, and what is kept of it.

A key is 256 random bits, so nobody can guess it or find it from its digest by trying: one
SHA-256 is enough. The slow hashes that passwords need make up for what people choose, and
would cost every request their 100 ms here.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z"
KEY_PATTERN = r"^osk_[A-Za-z0-9_-]{43}\Z"
"""The prefix lets scanners for leaked secrets find a key in a repository or a chat."""

_RANDOM_BYTES = 32
_is_key = re.compile(KEY_PATTERN, re.ASCII).match


class StoredKey(NamedTuple):
    """What is known of a key; the key itself is not.

    Attributes:
        name: Who it was made for; unique among the keys that are not revoked.
        digest: SHA-256 of the key, 32 bytes.
        scopes: What it admits to; the contexts define the names.
    """

    name: str
    digest: bytes
    scopes: frozenset[str]


class KeyRecord(NamedTuple):
    """A key as operators see it; times in UTC."""

    name: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None


def new_key(random: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """Return a new key; `random` takes a number of bytes and returns them in base64url."""
    return f"osk_{random(_RANDOM_BYTES)}"


def digest_of(key: str) -> bytes | None:
    """Return the digest of a key, None if the text cannot be one."""
    return hashlib.sha256(key.encode("ascii")).digest() if _is_key(key) else None
