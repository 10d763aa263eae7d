"""A key of the configuration, and how a raw value becomes a typed one.

msgspec stops at the first fault of a document; a person who deploys wants all of them. So each
key is converted on its own, by its own type.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from msgspec import inspect

from .errors import variable_of
from .secret import Secret, SecretUrl

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True}
_BOOLEANS |= {"false": False, "no": False, "off": False, "0": False}
_BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_URL_SCHEMES = ("redis://", "rediss://", "unix://")


@dataclass(frozen=True)
class Key:
    """One setting: its path (`("http", "port")`), declared type and default."""

    path: tuple[str, ...]
    type: Any
    default: object

    @property
    def dotted(self) -> str:
        """The path as people write it: `http.port`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return variable_of(self.dotted)

    @cached_property
    def info(self) -> inspect.Type:
        """The declared type, taken apart."""
        return inspect.type_info(self.type)

    @property
    def secret(self) -> bool:
        """Whether its value must not be shown."""
        return isinstance(self.info, inspect.CustomType)

    @property
    def numeric(self) -> bool:
        """Whether it is a whole or a decimal number."""
        return isinstance(self.info, inspect.IntType | inspect.FloatType)

    @property
    def expectation(self) -> str:
        """What a value must be, in words: `an integer >= 1`."""
        return _expectation(self.info)

    def from_text(self, text: str) -> object:
        """Convert an environment variable's text; raise ValueError if it does not fit."""
        return self.from_value(_parse(self.info, text))

    def from_value(self, value: object) -> object:
        """Convert a value of a YAML document; raise ValueError if it does not fit."""
        try:
            result = msgspec.convert(_canonical(self.info, value), self.type, dec_hook=_secret)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        if isinstance(result, float) and not math.isfinite(result):
            raise ValueError("not a finite number")
        return result


def _parse(info: inspect.Type, text: str) -> object:
    """Return the number or boolean that the text writes, or the text if it writes none."""
    try:
        match info:
            case inspect.IntType():
                return int(text)
            case inspect.FloatType():
                return float(text)
            case inspect.BoolType():
                return _BOOLEANS.get(text.strip().lower(), text)
    except ValueError:
        pass
    return text


def _canonical(info: inspect.Type, value: object) -> object:
    """Return a listed word in its listed spelling: `INFO` is `info`."""
    if isinstance(info, inspect.LiteralType) and isinstance(value, str):
        spellings = {str(word).lower(): word for word in info.values}
        return spellings.get(value.strip().lower(), value)
    return value


def _secret(kind: type[Secret], value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError("not a string")  # noqa: TRY004  msgspec turns ValueError alone into its own
    if kind is SecretUrl and value and not value.startswith(_URL_SCHEMES):
        raise ValueError("not a Redis URL")
    return kind(value)


def _expectation(info: inspect.Type) -> str:
    match info:
        case inspect.IntType() | inspect.FloatType():
            kind = "an integer" if isinstance(info, inspect.IntType) else "a number"
            return f"{kind} {_bounds(info)}".strip()
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType(values=words):
            return "one of " + ", ".join(str(word) or '""' for word in words)
        case inspect.CustomType(cls=kind) if kind is SecretUrl:
            return "a string that begins with " + ", ".join(_URL_SCHEMES)
    return f"a string {_form(info)}".strip()


def _form(info: inspect.Type) -> str:
    match info:
        case inspect.StrType(pattern=str(pattern)):
            return f"of the form {pattern}"
        case inspect.StrType(min_length=int(shortest), max_length=int(longest)):
            return f"of {shortest} to {longest} characters"
    return ""


def _bounds(info: inspect.IntType | inspect.FloatType) -> str:
    limits = ((sign, getattr(info, name)) for name, sign in _BOUNDS.items())
    return " and ".join(f"{sign} {limit:.15g}" for sign, limit in limits if limit is not None)
