"""A made-up person with a wallet, purchases and points: what the API would say, for pictures."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 3, 18, 14, 20, tzinfo=UTC)
ROUTES = ["/auth/info", "/api/user/balance", "/wallet", "/purchases"]

_PERSON = "0195a9c4-7c11-7a52-9d4e-6f1f2b3c4d5e"
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:137.0) Gecko/20100101 Firefox/137.0"
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1"
)


def _ago(**ago: float) -> str:
    return (NOW - timedelta(**ago)).isoformat().replace("+00:00", "Z")


def _session(user_agent: str, address: str, used: float, *, current: bool) -> dict[str, Any]:
    return {
        "id": f"0195a9c4-1c42-7b0f-8d1e-4a6f2b9c3d5{current:d}",
        "current": current,
        "created_at": _ago(days=6),
        "last_used_at": _ago(minutes=used),
        "expires_at": _ago(days=-24),
        "address": address,
        "user_agent": user_agent,
    }


def _sign_in(result: str, user_agent: str, address: str, hours: float) -> dict[str, Any]:
    at = _ago(hours=hours)
    return {"result": result, "at": at, "user_agent": user_agent, "address": address}


def _number(number: str, status: str, hours: float, accrual: float = 0) -> dict[str, Any]:
    line = {"number": number, "status": status, "uploaded_at": _ago(hours=hours)}
    return line | ({"accrual": accrual} if accrual else {})


ANSWERS: dict[str, Any] = {
    "/auth/refresh": {"user_id": _PERSON, "access_token": "token", "expires_in": 900},
    "/auth/info": {
        "login": "ann@example.com",
        "name": "Ann Example",
        "email": "ann@example.com",
        "created_at": _ago(days=412),
        "admin": False,
    },
    "/auth/sessions": {
        "sessions": [
            _session(_FIREFOX, "192.0.2.17", 0, current=True),
            _session(_IPHONE, "198.51.100.4", 190, current=False),
        ]
    },
    "/auth/sign-ins": {
        "sign_ins": [
            _sign_in("signed_in", _IPHONE, "198.51.100.4", 3),
            _sign_in("refused", _IPHONE, "198.51.100.4", 3.01),
            _sign_in("signed_in", _FIREFOX, "192.0.2.17", 144),
            _sign_in("password_changed", _FIREFOX, "192.0.2.17", 1200),
        ],
        "next_cursor": "more",
    },
    "/wallet": {"id": _PERSON, "currency": "USD", "balance": 12020, "created_at": _ago(days=80)},
    "/api/user/balance": {"current": 829.98, "withdrawn": 170.5},
    "/api/user/orders": [
        _number("12345678903", "PROCESSING", 0.05),
        _number("9278923470", "PROCESSED", 29, 729.98),
        _number("346436439", "INVALID", 52),
        _number("2377225624", "PROCESSED", 260, 170.5),
    ],
    "/api/user/withdrawals": [
        {"order": "79927398713", "sum": 170.5, "processed_at": _ago(hours=26)}
    ],
    f"/loyalty/{_PERSON}/entries": [],
}
