"""People with tokens, without the context that would issue them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.test import Client, TestResponse

from order_service.contexts.loyalty.wiring.api import open_api
from order_service.http.api_part import ApiPart
from order_service.http.app import ApiServices, create_wsgi
from order_service.http.authentication import TOKEN, CredentialsUnavailableError, Principal
from order_service.infra.resources import bundled
from tests.backends import Environ, process_of


class Tokens:
    """A token is the id of its owner, `admin:` before it for administrators."""

    kind = TOKEN

    def __init__(self) -> None:
        self.away = False

    def principal(self, credential: str, *, fresh: bool) -> Principal | None:
        if fresh and self.away:
            raise CredentialsUnavailableError
        admin = credential.startswith("admin:")
        scopes = {"loyalty", "loyalty:admin"} if admin else {"loyalty"}
        subject = credential.removeprefix("admin:")
        return Principal(subject, frozenset(scopes), TOKEN, "session", admin) if subject else None


class Person:
    """Somebody who is signed in."""

    def __init__(self, app: Any, *, admin: bool = False) -> None:  # noqa: ANN401 - a WSGI application
        self.id = str(uuid.uuid4())
        self._client = Client(app)
        self._headers = {"Authorization": f"Bearer {'admin:' if admin else ''}{self.id}"}

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._client.get(path, headers=self._headers | headers)

    def post(self, path: str, body: object, **headers: str) -> TestResponse:
        """POST JSON."""
        return self._client.post(path, json=body, headers=self._headers | _named(headers))

    def send(self, path: str, body: bytes, content_type: str, **headers: str) -> TestResponse:
        """POST bytes."""
        options: dict[str, Any] = {"content_type": content_type}
        return self._client.post(
            path, data=body, headers=self._headers | _named(headers), **options
        )

    def upload(self, number: str) -> int:
        return self.send("/api/user/orders", number.encode(), "text/plain").status_code


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Shop:
    """The API of the loyalty context, and the people who use it."""

    def __init__(self, app: Any, tokens: Tokens) -> None:  # noqa: ANN401 - a WSGI application
        self.app = app
        self.tokens = tokens

    def person(self) -> Person:
        return Person(self.app)

    def admin(self) -> Person:
        return Person(self.app, admin=True)

    def rich(self, points: float) -> Person:
        """Somebody with points."""
        person = self.person()
        body = {"operation": "d", "balance": points, "uuid": person.id}
        assert self.admin().post("/loyalty", body).status_code == 200
        return person


@contextmanager
def opened_shop(environ: Environ) -> Iterator[Shop]:
    with process_of(environ) as process:
        tokens = Tokens()
        parts = [open_api(process), ApiPart(authenticators=[tokens])]
        services = ApiServices(parts=parts, registry=process.registry, web_dir=bundled("web"))
        yield Shop(create_wsgi(services), tokens)
