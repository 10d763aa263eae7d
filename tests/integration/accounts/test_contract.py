"""Every answer of the accounts is as the description of the API says."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance
from werkzeug.test import TestResponse

from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ
from tests.integration.accounts.bench import PASSWORD, WRONG, wipe
from tests.integration.accounts.site import Site, json_of, site

# Requests that are made up must not wait for each other.
PATIENT = {
    "ACCOUNTS_THROTTLE_FREE_FAILURES": "100",
    "ACCOUNTS_THROTTLE_LONGEST_DELAY": "1",
    "ACCOUNTS_THROTTLE_REGISTRATIONS_PER_MINUTE": "0",
    "ORDERS_CACHE_WARM_UP": "0",
    "POSTGRES_STATEMENT_TIMEOUT": "30",
}

OPEN = [
    ("POST", "/auth/registration"),
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/logout"),
    ("GET", "/auth/healthz"),
    ("GET", "/auth/ready"),
    ("GET", "/.well-known/jwks.json"),
    ("POST", "/api/user/register"),
    ("POST", "/api/user/login"),
]
OWN = [
    ("GET", "/auth/info"),
    ("GET", "/auth/sessions"),
    ("GET", "/auth/sign-ins"),
    ("POST", "/auth/password"),
    ("DELETE", "/auth/sessions/{session_id}"),
    ("DELETE", "/auth/sessions"),
]
WITHOUT_INPUT = [
    ("GET", "/auth/healthz"),
    ("GET", "/auth/ready"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/auth/info"),
    ("GET", "/auth/sessions"),
    ("DELETE", "/auth/sessions"),
]


@pytest.fixture(scope="module")
def shop(shared_database: Environ, valkey_server: ValkeyServer) -> Iterator[Site]:
    with site(shared_database | valkey_server.environment() | PATIENT) as opened:
        yield opened


@pytest.fixture(scope="module")
def described(shop: Site) -> BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", shop.api)


@pytest.fixture
def token(shop: Site, admin: psycopg.Connection[object]) -> str:
    admin.execute("TRUNCATE accounts.people CASCADE")
    return str(shop.register()["access_token"])


@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.parametrize(
    ("method", "rule", "mode"),
    [(*route, GenerationMode.POSITIVE) for route in OPEN + OWN]
    + [(*route, GenerationMode.NEGATIVE) for route in OPEN + OWN if route not in WITHOUT_INPUT],
)
def test_every_answer_is_as_described(
    described: BaseSchema, token: str, method: str, rule: str, mode: GenerationMode
) -> None:
    headers = {"Accept-Encoding": "identity"}
    if (method, rule) in OWN:
        headers["Authorization"] = f"Bearer {token}"

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(described[rule][method].as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        # No schema can say which passwords are common, or which addresses exist.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    check()


def conforms(described: BaseSchema, method: str, rule: str, answer: TestResponse) -> bool:
    return described[rule][method].validate_response(answer) is None


def test_usual_answers_are_as_described(
    shop: Site, described: BaseSchema, admin: psycopg.Connection[object]
) -> None:
    admin.execute("TRUNCATE accounts.people, accounts.failures CASCADE")
    who = {"login": "ann", "password": PASSWORD}
    registered = shop.post("/auth/registration", who)
    token = json_of(registered)["access_token"]
    renewed = shop.post("/auth/refresh", {"refresh_token": json_of(registered)["refresh_token"]})
    answers = [
        ("POST", "/auth/registration", registered, 200),
        ("POST", "/auth/registration", shop.post("/auth/registration", who), 409),
        ("POST", "/auth/login", shop.login(), 200),
        ("POST", "/auth/login", shop.login("ann", WRONG), 401),
        ("POST", "/auth/login", shop.login(X_Session="cookie"), 200),
        ("POST", "/auth/refresh", renewed, 200),
        ("POST", "/auth/refresh", shop.post("/auth/refresh"), 401),
        ("GET", "/auth/info", shop.get("/auth/info", token), 200),
        ("GET", "/auth/info", shop.get("/auth/info"), 401),
        ("GET", "/auth/sessions", shop.get("/auth/sessions", token), 200),
        ("GET", "/auth/sign-ins", shop.get("/auth/sign-ins", token), 200),
        ("GET", "/auth/sign-ins", shop.get("/auth/sign-ins?limit=2", token), 200),
        ("POST", "/api/user/register", shop.post("/api/user/register", who), 409),
        ("POST", "/api/user/login", shop.post("/api/user/login", who), 200),
    ]
    for method, rule, answer, status in answers:
        assert answer.status_code == status, (rule, answer.text)
        assert conforms(described, method, rule, answer)


def test_waiting_and_outages_are_as_described(
    shared_database: Environ,
    valkey_server: ValkeyServer,
    described: BaseSchema,
    admin: psycopg.Connection[object],
) -> None:
    wipe(admin)
    environ = shared_database | valkey_server.environment() | {"ORDERS_CACHE_WARM_UP": "0"}
    with site(environ) as shop:
        for _ in range(5):
            shop.login("ann", WRONG)
        answer = shop.login()
        assert answer.status_code == 429
        assert conforms(described, "POST", "/auth/login", answer)
    with site(environ, POSTGRES_PORT="1") as shop:
        for method, rule in (("POST", "/auth/login"), ("GET", "/auth/ready")):
            answer = shop.login() if method == "POST" else shop.get(rule)
            assert answer.status_code == 503
            assert conforms(described, method, rule, answer)
