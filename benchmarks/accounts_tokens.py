"""Access tokens: verified before, verified for the first time, verified by a library."""

import time
from collections.abc import Callable, Sequence

import msgspec
from joserfc import jwk, jwt

from benchmarks import command
from benchmarks.harness import Goal, Row, Scale, alternate, at_least
from order_service.contexts.accounts.model import Holder, new_id
from order_service.contexts.accounts.refresh_tokens import RefreshTokens
from order_service.contexts.accounts.tokens.claims import Audience
from order_service.contexts.accounts.tokens.issuing import Scopes, TokenIssuing
from order_service.contexts.accounts.tokens.keys import SigningKey, TokenKeys, key_set
from order_service.contexts.accounts.tokens.verification import TokenVerification

_TOKENS = 1000
_AUDIENCE = Audience("order-service", "order-service")
_SCOPES = Scopes("account loyalty orders:read:own purchases wallet", "account orders:read")
_CACHED = Goal(5.0, at_least=False, unit="µs")


def microseconds(check: Callable[[str], object], tokens: Sequence[str], repeat: int) -> float:
    """Return the microseconds of a core that one token takes."""
    began = time.thread_time()
    for _ in range(repeat):
        for token in tokens:
            check(token)
    return (time.thread_time() - began) * 1e6 / (repeat * len(tokens))


class _Bench:
    """A key, tokens that it signed, and the ways to verify them."""

    def __init__(self) -> None:
        self.key = SigningKey.generate()
        refresh = RefreshTokens({1: bytes(32)}, 1)
        self.keys = TokenKeys(self.key, {self.key.kid: self.key}, refresh, key_set([self.key]))
        issuing = TokenIssuing(_AUDIENCE, _SCOPES, 86400)
        holder = Holder(new_id(), admin=False, email=None)
        self.tokens = [issuing.issue(self.key, holder, new_id()) for _ in range(_TOKENS)]
        self.cached = self.verifier(_TOKENS).verify
        self.uncached = self.verifier(0).verify
        self._public = jwk.ECKey.import_key(msgspec.json.decode(self.key.private_bytes()))
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": "order-service"},
            aud={"essential": True, "value": "order-service"},
        )

    def verifier(self, cache_size: int) -> TokenVerification:
        return TokenVerification(_AUDIENCE, lambda: self.keys, frozenset(), cache_size)

    def by_library(self, token: str) -> None:
        """Verify a token as the library's documentation has it."""
        self._claims.validate(jwt.decode(token, self._public, algorithms=["ES256"]).claims)


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    bench, repeat = _Bench(), 20 if scale.pairs > 1 else 1
    conditions = f"{_TOKENS} tokens of ES256 over and over, one thread, time of the core."
    cached, uncached = alternate(
        lambda: 1e6 / microseconds(bench.cached, bench.tokens, 10 * repeat),
        lambda: 1e6 / microseconds(bench.uncached, bench.tokens, 1),
        scale.pairs,
    )
    strict, library = alternate(
        lambda: microseconds(bench.uncached, bench.tokens, 1),
        lambda: microseconds(bench.by_library, bench.tokens, 1),
        scale.pairs,
    )
    return [
        Row(
            "Verification of an access token that was verified before",
            "the same, for the first time",
            at_least(10),
            cached,
            uncached,
            "tokens/s",
            conditions,
        ),
        Row(
            "Verification of an access token that was verified before",
            "",
            _CACHED,
            [1e6 / rate for rate in cached],
            [],
            "µs",
            conditions,
        ),
        Row(
            "Verification of an access token for the first time, strictly",
            "joserfc's `jwt.decode` and its check of the claims",
            None,
            strict,
            library,
            "µs",
            conditions,
        ),
    ]


if __name__ == "__main__":
    command.main(run, __doc__)
