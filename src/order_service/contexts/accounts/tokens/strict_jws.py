"""Takes a compact JWS apart without leniency, before any key is asked.

A library reads what others may have written and forgives some of it. These tokens are all ours, so
whatever differs from the one way in which we write them was made up: RFC 8725 (best practices),
RFC 7515 sections 2, 4 and 5.2, RFC 4648 section 3.5 (bits that must be zero).
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from order_service.contexts.accounts.errors import InvalidTokenError

MAX_BYTES = 8192
"""Longest token that is looked at: what we issue has a tenth of it."""

_split = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\Z", re.ASCII).match


class CompactJws(NamedTuple):
    """The parts of a token of which nothing is proven yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: bytes


def parse(token: str) -> CompactJws:
    """Return the parts of a token.

    Raises:
        InvalidTokenError: It is no compact JWS of two JSON objects, each spelled in the one way.
    """
    if len(token) > MAX_BYTES:
        raise InvalidTokenError(f"longer than {MAX_BYTES} bytes")
    match = _split(token)
    if match is None:
        raise InvalidTokenError("not three parts of base64url")
    header, payload, signature = (_decoded(part) for part in match.groups())
    return CompactJws(_object(header), _object(payload), signature)


def _decoded(part: str) -> bytes:
    """Return what `part` spells; a second spelling of the same bytes is refused."""
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise InvalidTokenError("not base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part.encode("ascii"):
        raise InvalidTokenError("not the canonical base64url")
    return raw


def _object(raw: bytes) -> Mapping[str, Any]:
    """Return a JSON object (RFC 8259) that says nothing twice, at any depth."""
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise InvalidTokenError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidTokenError("not a JSON object")
    return value


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidTokenError("a member is there twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise InvalidTokenError(f"{name} is no JSON")
