"""Shows the structure of a rejected message without the personal data in it.

What may be shown is listed, not what must be hidden: a rejected message is often one whose
fields have other names or places than they should, and a name is personal there, too.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from .model import Item, Order, Payment

_PERSONAL = frozenset({"delivery", "customer_id", "internal_signature"})
_SHOWN = "shown"
_LONGEST_TEXT = 100
_DEEPEST = 32

_Shape = Mapping[str, Any] | str | None


def _shape(struct: type[msgspec.Struct], **nested: _Shape) -> Mapping[str, _Shape]:
    names = [name for name in struct.__struct_fields__ if name not in _PERSONAL]
    return {**dict.fromkeys(names, _SHOWN), **nested}


_ORDER = _shape(Order, payment=_shape(Payment), items=_shape(Item))


def masked(body: bytes) -> object:
    """Return the JSON value of `body`, all but known impersonal fields masked.

    Raises:
        ValueError: It is no JSON; then nothing can be told apart, nor shown.
    """
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return _masked(value, _ORDER if isinstance(value, dict) else None, _DEEPEST)


def _masked(value: object, shape: _Shape, depth: int) -> object:
    if depth == 0:
        return "<more>"
    inner = shape if isinstance(shape, Mapping) else {}
    if isinstance(value, dict):
        return {
            _short(str(name)): _masked(part, inner.get(name), depth - 1)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_masked(part, inner, depth - 1) for part in value]
    return _shown(value) if shape == _SHOWN else _described(value)


def _shown(value: object) -> object:
    return _short(value) if isinstance(value, str) else value


def _short(text: str) -> str:
    if len(text) <= _LONGEST_TEXT:
        return printable(text)
    return f"{printable(text[:_LONGEST_TEXT])}... ({len(text)} characters)"


def _described(value: object) -> object:
    """Return what kind of value it is; null and empty text are no one's data."""
    match value:
        case None | "":
            return value
        case bool():
            return "<boolean>"
        case int():
            return "<integer>"
        case float():
            return "<number>"
        case _:
            return f"<string, {len(str(value))} characters>"


def printable(text: str) -> str:
    """Return `text` with escapes for all that could steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def key_text(key: bytes | None) -> str:
    """Return a key for people, whatever its bytes are; empty if there is none."""
    return printable((key or b"").decode(errors="backslashreplace"))
