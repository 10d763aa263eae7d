from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from order_service.contexts.loyalty.throttling import LONGEST, SHORTEST, UNSAID, retry_after

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("60", 60),
        (" 7 ", 7),
        ("0", SHORTEST),
        ("999999999", LONGEST),
        (format_datetime(NOW + timedelta(seconds=45), usegmt=True), 45),
        ("Thu, 26 Nov 2026 08:00:30 -0000", 30),
        ("Thu, 26 Nov 2026 07:59:00 GMT", SHORTEST),
        ("Fri, 27 Nov 2126 08:00:00 GMT", LONGEST),
    ],
)
def test_the_wait_is_what_the_header_says_within_bounds(header: str, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "soon",
        "-5",
        "1.5",
        "1e3",
        "inf",
        "nan",
        "Thu, 99 Foo 2026",
        "٦٠",
        "Fri, 27 Nov 2026 07:31:13 +99999999999999",
        "Fri, 27 Nov 2026 07:31:13 -9999",
    ],
)
def test_a_header_that_says_nothing_leaves_the_usual_wait(header: str | None) -> None:
    assert retry_after(header, NOW) == UNSAID
