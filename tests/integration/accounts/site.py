"""The API as clients see it, in this process, with a real database and cheap hashes."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from werkzeug.test import Client, TestResponse

from order_service.bootstrap.api_process import Api
from order_service.contexts.accounts import hashing
from order_service.contexts.accounts.wiring import parts
from tests.backends import Environ, api_of
from tests.integration.accounts.bench import CHEAP, PASSWORD

Json = dict[str, Any]


class Site:
    """One API process and what one client of it knows."""

    def __init__(self, api: Api, address: str = "192.0.2.1") -> None:
        self.api = api
        self.address = address
        self.client = Client(api, use_cookies=False)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        token: str = "",
        **headers: str,
    ) -> TestResponse:
        """Send a request; header names are written with underscores."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            fields["Authorization"] = f"Bearer {token}"
        options: Json = {} if body is None else {"json": body}
        environ = {"REMOTE_ADDR": self.address}
        return self.client.open(
            path, method=method, headers=fields, environ_overrides=environ, **options
        )

    def post(self, path: str, body: object = None, token: str = "", **headers: str) -> TestResponse:
        return self.ask("POST", path, {} if body is None else body, token, **headers)

    def get(self, path: str, token: str = "", **headers: str) -> TestResponse:
        return self.ask("GET", path, None, token, **headers)

    def register(self, login: str = "ann", **more: object) -> Json:
        answer = self.post("/auth/registration", {"login": login, "password": PASSWORD, **more})
        assert answer.status_code == 200, answer.text
        return json_of(answer)

    def login(self, login: str = "ann", password: str = PASSWORD, **headers: str) -> TestResponse:
        return self.post("/auth/login", {"login": login, "password": password}, **headers)


def json_of(answer: TestResponse) -> Json:
    found: Json = json.loads(answer.get_data())
    return found


def problem_of(answer: TestResponse, status: int) -> Json:
    """The problem document, in the form that older clients read."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem = json_of(answer)
    assert problem["status"] == "Error"
    assert problem["error"] == problem["detail"]
    assert int(answer.headers["Content-Length"]) == len(answer.get_data())
    return problem


@contextmanager
def site(environ: Mapping[str, str], **settings: str) -> Iterator[Site]:
    """Start an API process for the length of the block."""
    with mock.patch.object(parts, "PasswordHashing", cheap_hashing):
        api = api_of(Environ(environ) | {"CONTEXTS_ENABLED": "accounts,orders,access"} | settings)
    try:
        yield Site(api)
    finally:
        api.close()


def cheap_hashing(
    observer: hashing.HashingObserver, slots: int, queue: int, spare: Callable[[], int]
) -> hashing.PasswordHashing:
    return hashing.PasswordHashing(observer, slots, queue, CHEAP, spare)
