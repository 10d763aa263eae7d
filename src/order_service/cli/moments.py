"""Points in time on the command line: RFC 3339, or how long ago."""

import re
import time
from datetime import UTC, datetime

import click

_AGO = re.compile(r"(\d{1,9})(s|m|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Moment(click.ParamType[int]):
    """Milliseconds since the epoch, from ``2026-11-20T12:00:00Z`` or ``2h`` (two hours ago)."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the moment, or end with what is wrong."""
        if isinstance(value, int):
            return value
        try:
            return milliseconds(str(value), time.time())
        except ValueError as error:
            self.fail(str(error), param, ctx)


def milliseconds(text: str, now: float) -> int:
    """Return the moment that `text` names, in milliseconds since the epoch.

    Args:
        text: RFC 3339 with an offset, or a number with s, m, h, d or w: so long before `now`.
        now: Unix time in seconds.

    Raises:
        ValueError: It is neither.
    """
    if match := _AGO.fullmatch(text):
        return round((now - int(match[1]) * _SECONDS[match[2]]) * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is neither like 2026-11-20T12:00:00Z nor like 2h")
    return round(moment.timestamp() * 1000)


def rfc3339(timestamp_ms: int) -> str:
    """Return a moment in UTC to the second, ``-`` if it is not known."""
    if timestamp_ms < 0:
        return "-"
    try:
        moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return "-"
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
