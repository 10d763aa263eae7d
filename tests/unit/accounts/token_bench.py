"""Keys, a clock and hand-made tokens for tests of the verification."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jwk, jws

from order_service.contexts.accounts.model import Holder, new_id
from order_service.contexts.accounts.refresh_tokens import RefreshTokens
from order_service.contexts.accounts.tokens.claims import Audience
from order_service.contexts.accounts.tokens.issuing import Scopes, TokenIssuing
from order_service.contexts.accounts.tokens.keys import SigningKey, TokenKeys, key_set
from order_service.contexts.accounts.tokens.verification import TokenVerification

NOW = 1_800_000_000.0
AUDIENCE = Audience("https://shop.example", "order-service")
SCOPES = Scopes("account orders:read:own", "account orders:read:own orders:read")
PERSON, SESSION, TOKEN = str(new_id()), str(new_id()), str(new_id())


def claims(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """The claims of a good token, some of them changed; an ellipsis takes one away."""
    good = {
        "iss": AUDIENCE.issuer,
        "aud": AUDIENCE.audience,
        "sub": PERSON,
        "sid": SESSION,
        "jti": TOKEN,
        "iat": int(NOW),
        "exp": int(NOW) + 900,
        "token_type": "access",
        "scope": "account orders:read:own",
        "admin": False,
    }
    return {name: value for name, value in (good | changes).items() if value is not ...}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class TokenBench:
    """One key that signs, a second that is known, and what verifies; the time stands still."""

    def __init__(self, *, shared: bytes = b"") -> None:
        self.now = NOW
        self.revoked: set[str] = set()
        self.key = SigningKey.shared(shared) if shared else SigningKey.generate()
        self.other = SigningKey.generate()
        self._raw = jwk.OctKey.import_key(shared) if shared else self._import(self.key)
        self.issuing = TokenIssuing(AUDIENCE, SCOPES, 900, self.clock)
        self.know(self.key, self.other)
        self.verification = self.verifying()
        self.verify = self.verification.verify

    def verifying(self, cache_size: int = 1000) -> TokenVerification:
        return TokenVerification(
            AUDIENCE, lambda: self.keys, self.revoked, cache_size, clock=self.clock
        )

    @staticmethod
    def _import(key: SigningKey) -> jwk.ECKey:
        return jwk.ECKey.import_key(json.loads(key.private_bytes()))

    def clock(self) -> float:
        return self.now

    def know(self, *keys: SigningKey) -> None:
        """From now on these are the keys; the first one signs."""
        refresh = RefreshTokens({1: bytes(32)}, 1)
        self.keys = TokenKeys(keys[0], {key.kid: key for key in keys}, refresh, key_set(keys))

    def issue(self, *, admin: bool = False) -> str:
        return self.issuing.issue(self.key, Holder(new_id(), admin, "ann@example.com"), new_id())

    def header(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        good = {"alg": self.key.algorithm, "kid": self.key.kid, "typ": "at+jwt"}
        return {name: value for name, value in (good | changes).items() if value is not ...}

    def unsigned(self, **header: Any) -> str:  # noqa: ANN401 - any JSON
        """What a signature of a good token is over."""
        said = self.header(**header), claims()
        return ".".join(b64(json.dumps(each).encode()) for each in said)

    def sign_raw(self, header: bytes, payload: bytes) -> str:
        """A token over exactly these bytes with a right signature of our key."""
        said = f"{b64(header)}.{b64(payload)}"
        algorithm = jws.JWSRegistry.algorithms[self.key.algorithm]
        return f"{said}.{b64(algorithm.sign(said.encode(), self._raw))}"

    def sign(
        self,
        payload: Mapping[str, Any],
        *,
        dumps: Callable[[Any], str] = json.dumps,
        **header: Any,  # noqa: ANN401 - any JSON
    ) -> str:
        """A token that our key signed, whatever it says."""
        return self.sign_raw(
            json.dumps(self.header(**header)).encode(), dumps(dict(payload)).encode()
        )
