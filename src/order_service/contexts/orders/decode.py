"""From the bytes of a message to an order, or to all that is wrong with them.

The compiled decoder judges a message first and accepts nearly all of them; only what
it refuses is taken apart slowly, for a complete list of faults.
"""

import re
from typing import Annotated, Any, NoReturn, TypeVar, cast, get_type_hints

import msgspec
from msgspec import Struct

from .errors import InvalidOrderError
from .model import Delivery, Item, Order, Payment
from .schema import faults_of

MAX_MESSAGE_BYTES = 1024 * 1024
"""Longest message that is looked at, unless a caller says otherwise."""

MAX_DEPTH = 32
"""Deepest nesting of arrays and objects that is taken apart; an order needs three levels.

Unknown fields of a good order are skipped as deep as the compiled decoder itself goes.
"""

Part = TypeVar("Part", bound=Struct)


def _closed(part: type[Part], **parts: Any) -> type[Part]:  # noqa: ANN401 - annotations of fields
    """Return a kind of `part` whose decoder refuses fields that it does not know."""
    closed = msgspec.defstruct(
        part.__name__,
        list(parts.items()),
        bases=(part,),
        forbid_unknown_fields=True,
        frozen=True,
        kw_only=True,
        gc=False,
    )
    return cast("type[Part]", closed)


_items_rules = get_type_hints(Order, include_extras=True)["items"].__metadata__
_CLOSED_ORDER = _closed(
    Order,
    delivery=_closed(Delivery),
    payment=_closed(Payment),
    items=Annotated[tuple[_closed(Item), ...], *_items_rules],  # type: ignore[misc]
)
_decode_known = msgspec.json.Decoder(_CLOSED_ORDER).decode
_decode = msgspec.json.Decoder(Order).decode
_decode_any = msgspec.json.Decoder().decode
_BACKSLASH = ord("\\")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def decode(raw: bytes | None, max_bytes: int = MAX_MESSAGE_BYTES) -> Order:
    """Return the order that a message holds.

    Orders are compared by their documents: one that came with unknown fields is of another type
    than the same order without them.

    Args:
        raw: The message's bytes; None is a tombstone.
        max_bytes: Longest message that is looked at.

    Raises:
        InvalidOrderError: It holds none; the error's reason is one of ``empty``,
            ``too_large``, ``invalid_encoding``, ``too_deep``, ``invalid_json`` and
            ``invalid_order``.
    """
    if not raw:
        _refuse("empty", "The message has no content.")
    if len(raw) > max_bytes:
        _refuse("too_large", f"{len(raw)} bytes are more than {max_bytes}.")
    try:
        # Most orders have no unknown fields, and then every string has been looked into.
        order: Order = _decode_known(raw)
    except (ValueError, RecursionError):
        order = _decode_open(raw)
    # JSON admits NUL characters, only as this escape; Postgres does not. Most orders hold
    # no backslash at all, and a number is found in bytes much faster than bytes are.
    if _BACKSLASH in raw and b"\\u0000" in raw:
        _refuse_nul(raw)
    return order


def _refuse_nul(raw: bytes) -> None:
    """Refuse a NUL character unless it is in a field that is ignored."""
    try:
        candidate = _decode_any(raw)
    except RecursionError as error:  # to skip a field takes less of the stack than to decode it
        _explain(raw, error)
    if faults := faults_of(candidate):
        raise InvalidOrderError("invalid_order", faults)


def _decode_open(raw: bytes) -> Order:
    """Decode an order that may have unknown fields, or explain why it is none."""
    try:
        # The decoder does not look into strings of fields that it skips.
        raw.decode()
        return _decode(raw)
    except (ValueError, RecursionError) as error:
        _explain(raw, error)


def _refuse_deep(raw: bytes) -> None:
    """Refuse brackets nested deeper than MAX_DEPTH, in time linear in the message."""
    depth = 0
    for bracket in re.finditer(rb"[][{}]", _STRING.sub(b"", raw)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            _refuse("too_deep", f"Nested deeper than {MAX_DEPTH} levels.")


def _explain(raw: bytes, error: Exception) -> NoReturn:
    """Raise what is wrong with a message that the compiled decoder refused."""
    _refuse_deep(raw)
    try:
        raw.decode()
        candidate = _decode_any(raw)
    except UnicodeDecodeError as malformed:
        _refuse("invalid_encoding", f"Not UTF-8: {malformed.reason} at byte {malformed.start}.")
    except ValueError as malformed:
        _refuse("invalid_json", str(malformed))
    # Both faces accept the same orders (a property test says so); if ever one is
    # stricter, its word is still an explanation.
    faults = faults_of(candidate) or {"_message": [str(error)]}
    raise InvalidOrderError("invalid_order", faults)


def _refuse(reason: str, fault: str) -> NoReturn:
    raise InvalidOrderError(reason, {"_message": [fault]})
