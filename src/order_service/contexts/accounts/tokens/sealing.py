"""Private keys at rest: encrypted with a secret that the database does not hold.

AES-256-GCM with a key derived from the configured secret (HKDF, RFC 5869); the name of the key is
authenticated with it, so that no row can be put in the place of another. Without a secret the keys
lie open in their table: whoever can read it can then sign in as anybody.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from order_service.contexts.accounts.errors import AccountsUnavailableError

_OPEN, _SEALED = b"\x00", b"\x01"
_NONCE_BYTES = 12


class KeySealing:
    """Seals and opens keys.

    Args:
        secret: At least 32 characters of randomness; empty to leave the keys open.
    """

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(_derived(secret)) if secret else None

    def seal(self, name: str, key: bytes) -> bytes:
        """Return what may be stored of a key."""
        if self._cipher is None:
            return _OPEN + key
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _SEALED + nonce + self._cipher.encrypt(nonce, key, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """Return the key that was stored as `sealed`.

        Raises:
            AccountsUnavailableError: It was sealed with another secret, or changed since.
        """
        kind, rest = sealed[:1], sealed[1:]
        if kind == _OPEN:
            return rest
        if self._cipher is None:
            raise AccountsUnavailableError(f"key {name} is sealed, and no key secret is configured")
        try:
            return self._cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            message = f"key {name} is sealed with another secret than the configured one"
            raise AccountsUnavailableError(message) from None


def _derived(secret: str) -> bytes:
    derivation = HKDF(SHA256(), length=32, salt=None, info=b"order-service accounts keys v1")
    return derivation.derive(secret.encode())
