"""How long a 429 wants us to wait: `Retry-After` as in RFC 9110, section 10.2.3."""

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SHORTEST, LONGEST = 1.0, 300.0
"""Bounds of a wait in seconds, whatever is asked for: clocks and headers can be wrong."""

UNSAID = 60.0
"""Seconds to wait if the header is missing or says nothing: the limit counts by the minute."""

_is_seconds = re.compile(r"[0-9]{1,9}\Z").match


def retry_after(header: str | None, now: datetime) -> float:
    """Return the seconds to wait.

    Args:
        header: The value of ``Retry-After``, seconds or a date.
        now: The time, with an offset.
    """
    wanted = _wanted((header or "").strip(), now)
    return UNSAID if math.isnan(wanted) else min(LONGEST, max(SHORTEST, wanted))


def _wanted(header: str, now: datetime) -> float:
    if _is_seconds(header):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):  # the latter for an offset that no clock has
        return math.nan
    if moment.tzinfo is None:  # "-0000": UTC, of unknown place
        moment = moment.replace(tzinfo=UTC)
    return (moment - now).total_seconds()
