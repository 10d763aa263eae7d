"""Values that must never be shown.

A `Secret` is not a string on purpose: it cannot slip into an f-string, a log line, a traceback
or a JSON document unmasked. Whoever really needs the text asks for it by name.
"""

import re

MASK = "***"
_USERINFO_PASSWORD = re.compile(r"(?P<user>//[^/?#:]*):.*@", re.DOTALL)
_QUERY_PASSWORD = re.compile(r"(?P<key>[?&]password=)[^&#]*", re.IGNORECASE)


class Secret:
    """A text that prints as `***`, or as nothing when it is empty (then it is false, too)."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself: only for the driver that logs in with it."""
        return self._text

    def __str__(self) -> str:
        return MASK if self._text else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


class SecretUrl(Secret):
    """A URL of which everything but the password may be printed."""

    __slots__ = ()

    def __str__(self) -> str:
        masked = _USERINFO_PASSWORD.sub(rf"\g<user>:{MASK}@", self._text)
        return _QUERY_PASSWORD.sub(rf"\g<key>{MASK}", masked)
