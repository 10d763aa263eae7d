"""The refresh token in a browser: in a cookie that no script can read and no other site can use.

A page asks for it with the header ``X-Session: cookie``. No form and no plain request of another
site can send that header; a script of another site would have to be admitted first (CORS), and
nobody is admitted with cookies. The cookie is ``SameSite=Strict`` and belongs to `/auth/` alone;
where the browser says from which site a request comes, it must be ours.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Request, Response
from flask_smorest import abort

HEADER = "X-Session"
REFRESH_COOKIE = "refresh_token"
ACCESS_COOKIE = "access_token"
"""Name of the cookie that `/api/user/*` takes for the access token."""

_PATH = "/auth/"
_SAME_SITE = frozenset({"same-origin", "none"})


def wants_cookie(request: Request) -> bool:
    """Return whether the client is a page that leaves its refresh token to the browser."""
    return request.headers.get(HEADER, "").lower() == "cookie"


def refresh_token_of(request: Request, body: Mapping[str, str]) -> tuple[str, bool]:
    """Return the refresh token of a request, and whether the browser sent it by itself.

    A request that comes with a cookie and not from a page of ours ends with 403.
    """
    given = body.get("refresh_token", "")
    if given:
        return given, False
    if not wants_cookie(request):
        return "", False
    _require_own_page(request)
    return request.cookies.get(REFRESH_COOKIE, ""), True


def _require_own_page(request: Request) -> None:
    foreign = _is_foreign(request.headers.get("Origin"), request.host)
    if foreign or request.headers.get("Sec-Fetch-Site", "none") not in _SAME_SITE:
        abort(403, message="A page of another site may not do this.")


def _is_foreign(origin: str | None, host: str) -> bool:
    """Whether a browser says that the request comes from a page of another host.

    The scheme is not compared: behind a proxy that ends TLS only the proxy knows it.
    """
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc != host
    except ValueError:  # half of an IPv6 address
        return True


def set_refresh(response: Response, token: str, seconds: int, *, secure: bool) -> None:
    """Leave a refresh token with the browser for as long as its session may live."""
    response.set_cookie(
        REFRESH_COOKIE,
        token,
        max_age=seconds,
        path=_PATH,
        secure=secure,
        httponly=True,
        samesite="Strict",
    )


def drop_refresh(response: Response, *, secure: bool) -> None:
    """Have the browser forget the refresh token."""
    response.delete_cookie(
        REFRESH_COOKIE, path=_PATH, secure=secure, httponly=True, samesite="Strict"
    )


def set_access(response: Response, token: str, seconds: int, *, secure: bool) -> None:
    """Leave an access token with the client."""
    response.set_cookie(
        ACCESS_COOKIE,
        token,
        max_age=seconds,
        path="/api/user/",
        secure=secure,
        httponly=True,
        samesite="Strict",
    )
