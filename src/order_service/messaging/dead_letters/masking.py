"""Shows the structure of a rejected message without the personal data in it.

What may be shown is listed, not what must be hidden: a rejected message is often one whose
fields have other names or places than they should, and a name is personal there, too.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

_SHOWN = "shown"
_LONGEST_TEXT = 100
_DEEPEST = 32

Shape = Mapping[str, Any] | str | None
"""The fields whose values may be shown, nested as a message is; see :func:`shape_of`."""


def shape_of(
    struct: type[msgspec.Struct], personal: Collection[str] = (), **nested: Shape
) -> Mapping[str, Shape]:
    """Return the shape of a struct: all fields but those that are personal may be shown.

    Args:
        struct: What a message should have been.
        personal: Names of fields that are masked.
        nested: Shapes of fields that are structs, or arrays of them, themselves.
    """
    names = [name for name in struct.__struct_fields__ if name not in personal]
    return {**dict.fromkeys(names, _SHOWN), **nested}


def masked(body: bytes, shape: Shape) -> object:
    """Return the JSON value of `body`, all but the fields of `shape` masked.

    Raises:
        ValueError: It is no JSON; then nothing can be told apart, nor shown.
    """
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return _masked(value, shape if isinstance(value, dict) else None, _DEEPEST)


def _masked(value: object, shape: Shape, depth: int) -> object:
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
