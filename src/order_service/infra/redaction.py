"""Masks secrets and personal data in log events.

The rule is that no code logs what tells of persons; this is the net below that rule, for values
under telling keys, passwords in URLs and what drivers quote.
"""

import re
from collections.abc import Mapping
from typing import Final

from structlog.typing import EventDict, WrappedLogger

MASK: Final = "[redacted]"
MASKED_KEYS: Final = frozenset(
    {
        "address",
        "api_key",
        "authorization",
        "cookie",
        "email",
        "full_name",
        "passwd",
        "password",
        "payload",
        "phone",
        "secret",
        "token",
    }
)
"""Keys that tell of secrets or persons in any business; contexts have more of their own."""

_MASKED_ENDS = ("_password", "_secret", "_token", "_email", "_phone", "_address")
_URL_PASSWORD = re.compile(r"(?P<user>[a-z][a-z0-9+.-]*://[^\s/?#:@]*):[^\s/]*@")
# Postgres quotes the refused row in these lines of an error.
_QUOTED_ROW = re.compile(r"^(?P<label>\s*(DETAIL|CONTEXT|LINE \d+):).*$", re.MULTILINE)
_DEPTH = 6


class Redaction:
    """Masks what must not be logged, also inside nested values (a structlog processor).

    Numbers and booleans stay under any key: `orders=500` is a count, no personal data.

    Args:
        keys: What is masked besides MASKED_KEYS.
    """

    def __init__(self, keys: frozenset[str] = frozenset()) -> None:
        self._keys = MASKED_KEYS | keys

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Return the event, masked."""
        return {key: self._redacted(key, value, _DEPTH) for key, value in event.items()}

    def _redacted(self, key: object, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        if self._is_masked(key):
            return MASK
        return self._within(value, depth)

    def _within(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return _text(value)
        if depth == 0:
            return value if not isinstance(value, Mapping | list | tuple) else MASK
        if isinstance(value, Mapping):
            return {
                str(name): self._redacted(name, part, depth - 1) for name, part in value.items()
            }
        if type(value) in {list, tuple}:
            return [self._within(part, depth - 1) for part in value]  # type: ignore[attr-defined]
        # An exception that is logged as a value prints what the driver quoted.
        return _text(str(value)) if isinstance(value, Exception) else value

    def _is_masked(self, key: object) -> bool:
        name = str(key).lower()
        return name in self._keys or name.endswith(_MASKED_ENDS)


def redact_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask the rows that Postgres quotes in a formatted exception (a structlog processor)."""
    if isinstance(trace := event.get("exception"), str):
        event["exception"] = _text(trace)
    return event


def _text(text: str) -> str:
    masked = _URL_PASSWORD.sub(r"\g<user>:***@", text) if "://" in text else text
    return _QUOTED_ROW.sub(rf"\g<label> {MASK}", masked) if "\n" in masked else masked
