"""What a token must say to be ours, for us, and valid now (RFC 7519 and 9068, section 4)."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from order_service.contexts.accounts.errors import InvalidTokenError

TOKEN_TYPE = "access"  # noqa: S105 - no password
SKEW = 30.0
"""Seconds by which the clock of whoever issued a token may be ahead. An end has no such grace."""

_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_MAX_ID = 64


class Audience(NamedTuple):
    """Who issues the tokens, and for whom; both are compared to the letter.

    Attributes:
        longest: Seconds after its issue for which a token is valid at most, whatever it says: for
            no longer is it remembered that a session has ended.
    """

    issuer: str
    audience: str
    longest: float = math.inf


class Identity(NamedTuple):
    """What a valid token says.

    Attributes:
        person_id: UUID in its canonical form, as is `session_id`.
        kid: The key that proved it.
        expires_at: Unix time; the token is valid before it.
    """

    person_id: str
    session_id: str
    token_id: str
    kid: str
    scopes: frozenset[str]
    admin: bool
    expires_at: float


def check_header(header: Mapping[str, Any], algorithm: str) -> None:
    """Check what the header says beside its `kid`.

    Raises:
        InvalidTokenError: It names another algorithm or type, or demands what we do not know.
    """
    if header.get("alg") != algorithm:
        raise InvalidTokenError("the key is not for this algorithm")
    kind = header.get("typ")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise InvalidTokenError("not an access token by its typ")
    # We know no extensions, so that whatever is critical is unknown (RFC 7515 section 4.1.11).
    if "crit" in header:
        raise InvalidTokenError("it has critical extensions")


def identity_of(claims: Mapping[str, Any], kid: str, expected: Audience, now: float) -> Identity:
    """Return what a token whose signature is proven says.

    Raises:
        InvalidTokenError: A claim is missing, of the wrong type, not ours, or its time is not now.
    """
    if _text(claims, "iss") != expected.issuer or not _is_for(claims, expected.audience):
        raise InvalidTokenError("issued by or for somebody else")
    if _text(claims, "token_type") != TOKEN_TYPE:
        raise InvalidTokenError("not an access token by its claims")
    issued_at = _moment(claims, "iat")
    expires_at = min(_moment(claims, "exp"), issued_at + expected.longest)
    earliest = max(issued_at, _moment(claims, "nbf") if "nbf" in claims else -math.inf)
    if now >= expires_at:
        raise InvalidTokenError("expired")
    if earliest > now + SKEW:
        raise InvalidTokenError("not valid yet")
    return Identity(
        _uuid(claims, "sub"),
        _uuid(claims, "sid"),
        _text(claims, "jti"),
        kid,
        frozenset(_text(claims, "scope").split(" ")) - {""},
        _flag(claims, "admin"),
        expires_at,
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise InvalidTokenError(f"{name} is missing or no string")
    return value


def _uuid(claims: Mapping[str, Any], name: str) -> str:
    value = _text(claims, name)
    try:
        canonical = len(value) <= _MAX_ID and str(UUID(value)) == value
    except ValueError:
        canonical = False
    if not canonical:
        raise InvalidTokenError(f"{name} is no UUID")
    return value


def _flag(claims: Mapping[str, Any], name: str) -> bool:
    value = claims.get(name)
    if not isinstance(value, bool):
        raise InvalidTokenError(f"{name} is missing or no boolean")
    return value


def _moment(claims: Mapping[str, Any], name: str) -> float:
    """Return a NumericDate: a number of seconds, maybe with a fraction, that a float can hold."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidTokenError(f"{name} is missing or no number")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise InvalidTokenError(f"{name} is beyond all time")
    return seconds


def _is_for(claims: Mapping[str, Any], audience: str) -> bool:
    """Whether `aud` names us: it is one audience or a list of them (RFC 7519 section 4.1.3)."""
    value = claims.get("aud")
    listed = value if isinstance(value, list) else [value]
    return all(isinstance(each, str) for each in listed) and audience in listed
