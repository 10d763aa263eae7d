"""The keys of access tokens: one signs, all of them verify, their public halves are shown."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from joserfc import jwk, jws
from joserfc.errors import JoseError

from order_service.contexts.accounts.errors import InvalidTokenError
from order_service.contexts.accounts.refresh_tokens import RefreshTokens

ES256 = "ES256"
HS256 = "HS256"
SHARED_KID = "hs256"
"""The `kid` of tokens that are signed with the shared secret."""

# A header member that is not understood must be ignored (RFC 7515 section 4).
_REGISTRIES = {
    name: jws.JWSRegistry(algorithms=[name], strict_check_header=False) for name in (ES256, HS256)
}


class SigningKey:
    """One key and the one algorithm that it is for.

    Args:
        kid: Its name in the headers of tokens.
        algorithm: ``ES256`` or ``HS256``.
        key: The key itself; without its private half it only verifies.
    """

    def __init__(self, kid: str, algorithm: str, key: jwk.ECKey | jwk.OctKey) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self._key = key
        self._header = {"alg": algorithm, "kid": kid, "typ": "at+jwt"}
        self._registry = _REGISTRIES[algorithm]

    @classmethod
    def generate(cls) -> "SigningKey":
        """Return a new ES256 key; its kid is its thumbprint (RFC 7638)."""
        key = jwk.ECKey.generate_key("P-256")
        return cls(key.thumbprint(), ES256, key)

    @classmethod
    def load(cls, kid: str, private: bytes) -> "SigningKey":
        """Return the ES256 key that `private_bytes` wrote.

        Raises:
            ValueError: These are no such bytes.
        """
        try:
            return cls(kid, ES256, jwk.ECKey.import_key(msgspec.json.decode(private)))
        except (msgspec.DecodeError, JoseError, TypeError) as error:
            raise ValueError(f"not a key: {error}") from error

    @classmethod
    def shared(cls, secret: bytes) -> "SigningKey":
        """Return the key of HS256 for a secret of at least 32 bytes (RFC 7518 section 3.2)."""
        return cls(SHARED_KID, HS256, jwk.OctKey.import_key(secret))

    def private_bytes(self) -> bytes:
        """Return the whole key, to be sealed and stored."""
        return msgspec.json.encode(self._key.as_dict(private=True))

    def public_jwk(self) -> Mapping[str, Any]:
        """Return the public half as others may see it (RFC 7517)."""
        public = self._key.as_dict(private=False)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the token with these claims."""
        payload = msgspec.json.encode(claims)
        return jws.serialize_compact(self._header, payload, self._key, registry=self._registry)

    def verify(self, token: str) -> None:
        """Check the signature of a token.

        Raises:
            InvalidTokenError: It is not this key's.
        """
        try:
            jws.deserialize_compact(token, self._key, registry=self._registry)
        except (JoseError, ValueError) as error:
            raise InvalidTokenError(f"the signature is wrong: {error}") from None


class TokenKeys(NamedTuple):
    """All keys as they are at one moment.

    Attributes:
        current: Signs.
        verifying: Prove tokens, by kid: the current one, those before it and the one after it.
        refresh: Reads and writes refresh tokens.
        jwks: The JSON of the public halves, a JWK Set.
    """

    current: SigningKey
    verifying: Mapping[str, SigningKey]
    refresh: RefreshTokens
    jwks: bytes


def key_set(keys: Sequence[SigningKey]) -> bytes:
    """Return the JWK Set of the public keys among `keys`; a shared secret has no public half."""
    public = [key.public_jwk() for key in keys if key.algorithm == ES256]
    return msgspec.json.encode({"keys": public})
