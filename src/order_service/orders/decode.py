"""From the bytes of a message to an order, or to all that is wrong with them.

The compiled decoder judges a message first and accepts nearly all of them; only what
it refuses is taken apart slowly, for a complete list of faults.
"""

import re
from typing import NoReturn

import msgspec

from .errors import InvalidOrderError
from .model import Order
from .schema import faults_of

MAX_MESSAGE_BYTES = 1024 * 1024
"""Longest message that is looked at, unless a caller says otherwise."""

MAX_DEPTH = 32
"""Deepest nesting of arrays and objects; an order needs three levels."""

_decode = msgspec.json.Decoder(Order).decode
_decode_any = msgspec.json.Decoder().decode
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def decode(raw: bytes | None, max_bytes: int = MAX_MESSAGE_BYTES) -> Order:
    """Return the order that a message holds.

    Args:
        raw: The message's bytes; None is a tombstone.
        max_bytes: Longest message that is looked at.

    Raises:
        InvalidOrderError: It holds none; the error's reason is one of ``empty``,
            ``too_large``, ``invalid_encoding``, ``too_deep``, ``invalid_json`` and
            ``invalid_order``.
    """
    if raw is None or not raw:
        _refuse("empty", "The message has no content.")
    if len(raw) > max_bytes:
        _refuse("too_large", f"{len(raw)} bytes are more than {max_bytes}.")
    text = _text(raw)
    # Each level opens a bracket, so few brackets prove a shallow message without a scan.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _refuse_deep(raw)
    try:
        order = _decode(text)
    except (msgspec.DecodeError, ValueError) as error:
        _explain(text, error)
    # JSON admits NUL characters, only as this escape; Postgres does not.
    if b"\\u0000" in raw and (faults := faults_of(_decode_any(text))):
        raise InvalidOrderError("invalid_order", faults)
    return order


def _text(raw: bytes) -> str:
    """Decode UTF-8 strictly: the JSON decoder does not look into fields that it skips."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        _refuse("invalid_encoding", f"Not UTF-8: {error.reason} at byte {error.start}.")


def _refuse_deep(raw: bytes) -> None:
    """Refuse brackets nested deeper than MAX_DEPTH, in time linear in the message."""
    depth = 0
    for bracket in re.finditer(rb"[][{}]", _STRING.sub(b"", raw)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            _refuse("too_deep", f"Nested deeper than {MAX_DEPTH} levels.")


def _explain(text: str, error: Exception) -> NoReturn:
    """Raise what is wrong with a message that the compiled decoder refused."""
    try:
        candidate = _decode_any(text)
    except (msgspec.DecodeError, ValueError) as malformed:
        _refuse("invalid_json", str(malformed))
    # Both faces accept the same orders (a property test says so); if ever one is
    # stricter, its word is still an explanation.
    faults = faults_of(candidate) or {"_message": [str(error)]}
    raise InvalidOrderError("invalid_order", faults)


def _refuse(reason: str, fault: str) -> NoReturn:
    raise InvalidOrderError(reason, {"_message": [fault]})
