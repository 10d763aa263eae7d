"""Explains what is wrong with a setting to whoever has to mend it.

What a key is for is read from the commented config.yml that comes with the package, so that
there is one text about it.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from order_service.infra.resources import bundled

from .errors import Fault, variable_of
from .model import Config
from .schema import Schema

_ENTRY = re.compile(r"( *)([a-z_]+):(.*)")
_COMMENT = re.compile(r" *# ?(.*)")
_PARTS = ("postgres", "redis", "kafka")


class Explanation(NamedTuple):
    """A fault with all that helps to mend it; what does not apply is empty.

    Attributes:
        path: The key's dotted path, or the file.
        problem: What is wrong.
        origin: Where the value stands, for example ``config.yml, line 3``.
        allowed: What a value may be, in words.
        default: The value that holds if the key is left out, as text.
        about: What the key is for.
        remedy: How to set it.
    """

    path: str
    problem: str
    origin: str
    allowed: str
    default: str
    about: str
    remedy: str


def explain(fault: Fault, schema: Schema) -> Explanation:
    """Return a fault with what is allowed, and how to set it."""
    origin = fault.origin.removeprefix("from ")
    key = schema.by_path.get(tuple(fault.path.split(".")))
    if key is None:
        allowed = _names_in(fault.path, schema)
        return Explanation(fault.path, fault.problem, origin, allowed, "", "", "")
    return Explanation(
        fault.path,
        fault.problem,
        origin,
        key.expectation,
        "" if key.secret else _text(key.default),
        comments().get(fault.path, ""),
        f"{fault.path} in config.yml, or {key.variable} in .env or the environment",
    )


def hints(config: Config) -> Iterator[str]:
    """Yield a sentence for each part whose address is not set: no fault, but worth knowing."""
    for path in config.missing(*_PARTS):
        yield (
            f"{path} is not set: `order-service run` starts its own, other commands that need one "
            f"ask for it ({variable_of(path)})"
        )


def _names_in(path: str, schema: Schema) -> str:
    """Return the keys of the section that an unknown key stands in."""
    section = path.split(".")[:-1]
    depth = len(section)
    names = [key.path[depth] for key in schema.keys if list(key.path[:depth]) == section]
    return f"one of {', '.join(dict.fromkeys(names))}" if names else ""


def _text(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if default != "" else '""'


@cache
def comments() -> dict[str, str]:
    """Return what config.yml says above each key, by its dotted path."""
    found: dict[str, str] = {}
    path: list[str] = []
    said: list[str] = []
    for line in bundled("config.yml").read_text(encoding="utf-8").splitlines():
        if comment := _COMMENT.fullmatch(line):
            said.append(comment[1])
            continue
        if entry := _ENTRY.match(line):
            path = [*path[: len(entry[1]) // 2], entry[2]]
            found[".".join(path)] = " ".join(said)
        said = []
    return found
