"""The routes of the accounts as their clients see them."""

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from werkzeug.test import TestResponse

from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ
from tests.integration.accounts.bench import PASSWORD, WRONG, wipe
from tests.integration.accounts.site import Site, json_of, problem_of, site
from tests.waiting import eventually

COOKIE = {"X_Session": "cookie"}


@pytest.fixture
def environ(
    shared_database: Environ, valkey_server: ValkeyServer, admin: psycopg.Connection[object]
) -> Environ:
    wipe(admin)
    return shared_database | valkey_server.environment() | {"ORDERS_CACHE_WARM_UP": "0"}


@pytest.fixture
def shop(environ: Environ) -> Iterator[Site]:
    with site(environ) as opened:
        yield opened


def test_a_person_registers_signs_in_renews_and_signs_out(shop: Site) -> None:
    registered = shop.register("Ann@example.com", name="Ann", birthday="1990-02-28")
    assert registered["status"] == "Success"
    info = json_of(shop.get("/auth/info", registered["access_token"]))
    assert info == {
        "status": "Success",
        "user_id": registered["user_id"],
        "session_id": info["session_id"],
        "login": "Ann@example.com",
        "email": None,
        "name": "Ann",
        "birthday": "1990-02-28",
        "admin": False,
        "created_at": info["created_at"],
    }
    signed_in = json_of(shop.login("ANN@EXAMPLE.COM"))
    assert signed_in["user_id"] == registered["user_id"]
    assert (signed_in["token_type"], signed_in["expires_in"]) == ("Bearer", 900)
    renewed = json_of(shop.post("/auth/refresh", {"refresh_token": signed_in["refresh_token"]}))
    assert renewed["refresh_token"] != signed_in["refresh_token"]
    out = shop.post("/auth/logout", {"refresh_token": renewed["refresh_token"]})
    assert json_of(out) == {"status": "Success"}
    again = shop.post("/auth/refresh", {"refresh_token": renewed["refresh_token"]})
    assert "invalid_token" in again.headers["WWW-Authenticate"]
    problem_of(again, 401)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"login": "ann"}, 422, "password"),
        ({"password": PASSWORD}, 422, "login"),
        ({"login": 1, "password": PASSWORD}, 422, "login"),
        ({"login": "ann", "password": "short"}, 422, "password"),
        ({"login": "ann", "password": PASSWORD, "email": "x"}, 422, "email"),
        ({"login": "ann", "password": PASSWORD, "birthday": "28.2.1990"}, 422, "birthday"),
        ({"login": "ann", "password": PASSWORD, "birthday": "2990-02-28"}, 422, "birthday"),
        ([], 422, "_schema"),
    ],
)
def test_a_registration_that_breaks_a_rule_is_told_which(
    shop: Site, body: object, status: int, field: str
) -> None:
    problem = problem_of(shop.post("/auth/registration", body), status)
    assert set(problem["errors"]["json"]) == {field}


def test_what_is_no_json_is_malformed(shop: Site) -> None:
    for path in ("/auth/registration", "/auth/login", "/auth/refresh"):
        for body in ("{", '{"login": ' + "9" * 5000 + "}", "[" * 60_000):
            answer = shop.client.post(path, data=body, content_type="application/json")
            problem_of(answer, 400)


@pytest.mark.parametrize("path", ["/auth/login", "/api/user/login"])
def test_a_body_that_does_not_tell_its_length_is_bounded_too(shop: Site, path: str) -> None:
    """As it comes with `Transfer-Encoding: chunked`: the server says where it ends."""
    answer = shop.client.post(
        path,
        input_stream=io.BytesIO(b'{"login": "' + b"a" * 10_000_000),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413


def test_a_login_that_is_taken_is_a_conflict(shop: Site) -> None:
    shop.register()
    body = {"login": "ANN", "password": PASSWORD}
    assert "taken" in problem_of(shop.post("/auth/registration", body), 409)["error"]


def test_unknown_login_and_wrong_password_are_answered_alike(shop: Site) -> None:
    shop.register()
    answers = [shop.login("ann", WRONG), shop.login("bob")]
    problems = [problem_of(answer, 401) for answer in answers]
    for problem in problems:
        del problem["request_id"]
    assert problems[0] == problems[1]
    headers = [{k: v for k, v in a.headers if k not in {"X-Request-ID", "Date"}} for a in answers]
    assert headers[0] == headers[1]
    assert headers[0]["WWW-Authenticate"] == 'Bearer realm="order-service"'


def test_the_sixth_attempt_after_five_failures_waits(shop: Site) -> None:
    shop.register()
    for _ in range(5):
        problem_of(shop.login("ann", WRONG), 401)
    waiting = shop.login()
    assert int(waiting.headers["Retry-After"]) == 1
    problem_of(waiting, 429)


def test_the_address_behind_a_trusted_proxy_is_the_one_that_counts(environ: Environ) -> None:
    with site(environ, HTTP_TRUSTED_PROXIES="192.0.2.1") as shop:
        shop.register()
        for _ in range(5):
            shop.post("/auth/login", {"login": "x", "password": "y"}, X_Forwarded_For="203.0.113.7")
        body = {"login": "ann", "password": PASSWORD}
        blocked = shop.post("/auth/login", body, X_Forwarded_For="203.0.113.7")
        assert blocked.status_code == 429
        assert shop.post("/auth/login", body, X_Forwarded_For="203.0.113.8").status_code == 200


@pytest.mark.parametrize("path", ["/auth/info", "/auth/sessions", "/auth/sign-ins", "/auth/x"])
def test_what_is_personal_needs_a_token_whatever_the_configuration_says(
    shop: Site, path: str
) -> None:
    refused = shop.get(path)
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    problem_of(refused, 401)
    problem_of(shop.get(path, "nonsense"), 401)


def test_a_person_sees_sessions_and_ends_them(shop: Site) -> None:
    here = shop.register()
    there = json_of(shop.login(User_Agent="Phone/1.0"))
    found = json_of(shop.get("/auth/sessions", here["access_token"]))["sessions"]
    assert [(each["current"], each["address"]) for each in found] == [
        (False, "192.0.2.1"),
        (True, "192.0.2.1"),
    ]
    assert found[0]["user_agent"] == "Phone/1.0"
    path = f"/auth/sessions/{found[0]['id']}"
    assert shop.ask("DELETE", path, token=here["access_token"]).status_code == 200
    problem_of(shop.ask("DELETE", path, token=here["access_token"]), 404)
    problem_of(shop.ask("DELETE", "/auth/sessions/x", token=here["access_token"]), 404)
    refused = shop.post("/auth/refresh", {"refresh_token": there["refresh_token"]})
    problem_of(refused, 401)
    everywhere = shop.ask("DELETE", "/auth/sessions", token=here["access_token"])
    assert json_of(everywhere) == {"status": "Success", "ended": 1}


def test_nobody_ends_the_session_of_somebody_else(shop: Site) -> None:
    ann, bob = shop.register("ann"), shop.register("bob")
    (session,) = json_of(shop.get("/auth/sessions", bob["access_token"]))["sessions"]
    attempt = shop.ask("DELETE", f"/auth/sessions/{session['id']}", token=ann["access_token"])
    problem_of(attempt, 404)
    assert shop.get("/auth/info", bob["access_token"]).status_code == 200


def test_an_ended_session_is_refused_within_two_seconds(shop: Site) -> None:
    tokens = shop.register()
    assert shop.get("/auth/info", tokens["access_token"]).status_code == 200
    assert shop.post("/auth/logout", token=tokens["access_token"]).status_code == 200

    def refused() -> bool:
        return shop.get("/auth/info", tokens["access_token"]).status_code == 401

    eventually(refused, 10, "the token of an ended session is refused")


def test_a_logout_without_any_token_succeeds(shop: Site) -> None:
    for answer in (shop.post("/auth/logout"), shop.post("/auth/logout", token="nonsense")):
        assert json_of(answer) == {"status": "Success"}


def test_the_owner_reads_the_audit_trail(shop: Site) -> None:
    tokens = shop.register()
    shop.login("ann", WRONG, User_Agent="x" * 500)
    for _ in range(3):
        shop.login()
    page = json_of(shop.get("/auth/sign-ins?limit=3", tokens["access_token"]))
    assert [each["result"] for each in page["sign_ins"]] == ["signed_in"] * 3
    cursor = page["next_cursor"]
    rest = json_of(shop.get(f"/auth/sign-ins?limit=3&cursor={cursor}", tokens["access_token"]))
    assert [each["result"] for each in rest["sign_ins"]] == ["refused", "registered"]
    assert rest["sign_ins"][0]["user_agent"] == "x" * 120
    assert rest["next_cursor"] is None


NEW = "staple after staple"


def change(shop: Site, token: str, present: str, new: str) -> TestResponse:
    return shop.post("/auth/password", {"password": present, "new_password": new}, token)


def test_a_person_changes_the_password_and_other_sessions_end(shop: Site) -> None:
    elsewhere = shop.register()
    here = json_of(shop.login())
    assert json_of(change(shop, here["access_token"], PASSWORD, NEW)) == {"status": "Success"}
    problem_of(shop.login(), 401)
    assert shop.login(password=NEW).status_code == 200
    problem_of(shop.post("/auth/refresh", {"refresh_token": elsewhere["refresh_token"]}), 401)
    assert shop.post("/auth/refresh", {"refresh_token": here["refresh_token"]}).status_code == 200
    trail = json_of(shop.get("/auth/sign-ins", here["access_token"]))["sign_ins"]
    assert "password_changed" in [entry["result"] for entry in trail]


def test_a_stolen_access_token_changes_no_password(shop: Site) -> None:
    token = shop.register()["access_token"]
    for _ in range(5):
        problem_of(change(shop, token, WRONG, NEW), 401)
    problem_of(change(shop, token, PASSWORD, NEW), 429)
    problem_of(change(shop, "", PASSWORD, NEW), 401)


def test_a_new_password_follows_the_rules(shop: Site) -> None:
    token = shop.register()["access_token"]
    for password in ("short", "1234567890", "x" * 129):
        problem = problem_of(change(shop, token, PASSWORD, password), 422)
        assert set(problem["errors"]["json"]) == {"new_password"}
    assert shop.login().status_code == 200


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=x", f"cursor={'9' * 17}.x"])
def test_a_page_that_cannot_be_is_malformed(shop: Site, query: str) -> None:
    token = shop.register()["access_token"]
    problem_of(shop.get(f"/auth/sign-ins?{query}", token), 400)


def test_the_keys_are_published_and_may_be_kept_for_a_while(shop: Site) -> None:
    answer = shop.get("/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    keys = json_of(answer)["keys"]
    assert len(keys) == 2
    header = json.loads(_decoded(shop.register()["access_token"].split(".")[0]))
    assert header["kid"] in {key["kid"] for key in keys}
    assert header == {"alg": "ES256", "kid": header["kid"], "typ": "at+jwt"}


def _decoded(part: str) -> bytes:
    import base64  # noqa: PLC0415

    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_token_says_what_is_agreed(shop: Site) -> None:
    tokens = shop.register(email="ann@example.com")
    claims = json.loads(_decoded(tokens["access_token"].split(".")[1]))
    assert set(claims) == {
        "iss",
        "aud",
        "sub",
        "sid",
        "jti",
        "iat",
        "exp",
        "token_type",
        "scope",
        "admin",
    }
    assert claims["sub"] == tokens["user_id"]
    assert claims["exp"] - claims["iat"] == 900
    assert {"account", "orders:read:own"} <= set(claims["scope"].split())
    assert "orders:read" not in claims["scope"].split()


def test_older_clients_get_a_shared_secret_and_their_claims(environ: Environ) -> None:
    settings = {"ACCOUNTS_TOKEN_ALGORITHM": "HS256", "ACCOUNTS_TOKEN_SECRET": "s" * 32}
    with site(environ, **settings) as shop:
        tokens = shop.register(email="ann@example.com")
        claims = json.loads(_decoded(tokens["access_token"].split(".")[1]))
        assert (claims["uid"], claims["email"]) == (tokens["user_id"], "ann@example.com")
        assert shop.get("/auth/info", tokens["access_token"]).status_code == 200
        assert json_of(shop.get("/.well-known/jwks.json")) == {"keys": []}


def test_the_state_is_told(shop: Site) -> None:
    for path in ("/auth/healthz", "/auth/ready"):
        assert json_of(shop.get(path)) == {"status": "Success"}


def test_nobody_can_sign_in_while_the_database_is_away(environ: Environ) -> None:
    with site(environ, POSTGRES_PORT="1") as shop:
        problem_of(shop.get("/auth/ready"), 503)
        problem_of(shop.login(), 503)
        problem_of(shop.get("/auth/info", "a.b.c"), 503)
        assert shop.get("/auth/healthz").status_code == 200


# --- pages: the refresh token in a cookie


def cookie_of(answer: Any) -> str:  # noqa: ANN401 - werkzeug's
    (cookie,) = answer.headers.getlist("Set-Cookie")
    return str(cookie)


def test_a_page_never_sees_its_refresh_token(shop: Site) -> None:
    shop.register()
    answer = shop.login(**COOKIE)
    assert "refresh_token" not in json_of(answer)
    cookie = cookie_of(answer)
    for attribute in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/auth/", "Max-Age=7776000"):
        assert attribute in cookie


def with_cookie(shop: Site, path: str, cookie: str, **headers: str) -> Any:  # noqa: ANN401
    return shop.post(path, Cookie=cookie.partition(";")[0], **headers)


def test_a_page_renews_and_signs_out_by_its_cookie(shop: Site) -> None:
    shop.register()
    first = cookie_of(shop.login(**COOKIE))
    renewed = with_cookie(shop, "/auth/refresh", first, **COOKIE, Origin="http://localhost")
    assert renewed.status_code == 200
    assert "refresh_token" not in json_of(renewed)
    second = cookie_of(renewed)
    assert second.partition(";")[0] != first.partition(";")[0]
    out = with_cookie(shop, "/auth/logout", second, **COOKIE)
    assert "Max-Age=0" in cookie_of(out)
    problem_of(with_cookie(shop, "/auth/refresh", second, **COOKIE), 401)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),  # the cookie alone counts for nothing
        (COOKIE | {"Origin": "https://evil.example"}, 403),
        (COOKIE | {"Origin": "null"}, 403),
        (COOKIE | {"Origin": "http://["}, 403),
        (COOKIE | {"Sec_Fetch_Site": "cross-site"}, 403),
        (COOKIE | {"Sec_Fetch_Site": "same-site"}, 403),
    ],
)
def test_a_page_of_another_site_can_do_nothing_with_the_cookie(
    shop: Site, headers: dict[str, str], status: int
) -> None:
    shop.register()
    cookie = cookie_of(shop.login(**COOKIE))
    problem_of(with_cookie(shop, "/auth/refresh", cookie, **headers), status)
    assert with_cookie(shop, "/auth/refresh", cookie, **COOKIE).status_code == 200


def test_cookies_can_be_had_without_tls(environ: Environ) -> None:
    with site(environ, ACCOUNTS_SESSION_SECURE_COOKIES="false") as shop:
        shop.register()
        assert "Secure" not in cookie_of(shop.login(**COOKIE))


# --- Gophermart


USER = {"login": "gopher", "password": "x"}


def test_a_gopher_registers_and_signs_in(shop: Site) -> None:
    for path in ("/api/user/register", "/api/user/login"):
        answer = shop.post(path, USER)
        assert answer.status_code == 200
        token = json_of(answer)["access_token"]
        assert answer.headers["Authorization"] == f"Bearer {token}"
        cookie = cookie_of(answer)
        assert cookie.startswith(f"access_token={token};")
        assert "HttpOnly" in cookie
        assert shop.get("/auth/info", token).status_code == 200


@pytest.mark.parametrize("path", ["/api/user/register", "/api/user/login"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"login": "x"}',
        b'{"password": "x"}',
        b"\xff",
        b'{"login": 1, "password": "x"}',
        b'{"login": "", "password": "x"}',
        b'{"login": ' + b"9" * 5000 + b', "password": "x"}',
        b'{"login": "x", "password": ""}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_pair_of_login_and_password_is_malformed(
    shop: Site, path: str, body: bytes
) -> None:
    answer = shop.client.post(path, data=body, content_type="application/json")
    assert answer.status_code in {400, 413}


def test_a_gopher_is_refused_as_agreed(shop: Site) -> None:
    shop.post("/api/user/register", USER)
    assert shop.post("/api/user/register", USER).status_code == 409
    assert shop.post("/api/user/login", USER | {"password": "y"}).status_code == 401
    assert shop.post("/api/user/login", USER | {"login": "nobody"}).status_code == 401
    assert shop.post("/api/user/register", USER | {"login": "a b"}).status_code == 400


def test_a_gopher_may_pack_the_body(shop: Site) -> None:
    options: dict[str, Any] = {
        "content_type": "application/json",
        "headers": {"Content-Encoding": "gzip"},
    }
    packed = gzip.compress(json.dumps(USER).encode())
    assert shop.client.post("/api/user/register", data=packed, **options).status_code == 200
    bomb = gzip.compress(b"[" + b" " * 50_000_000)
    for body, status in ((b"no gzip", 400), (packed[:-5], 400), (bomb, 413)):
        answer = shop.client.post("/api/user/login", data=body, **options)
        assert answer.status_code == status
