"""What the HTTP tests share: an application on a lookup that lives in memory."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from wsgiref.types import WSGIApplication, WSGIEnvironment

import msgspec
from werkzeug.test import Client, EnvironBuilder, TestResponse, run_wsgi_app

from order_service.contexts.access.wiring import SECURITY_SCHEMES
from order_service.contexts.orders.api.part import create_part
from order_service.contexts.orders.errors import (
    InvalidCursorError,
    OrderNotFoundError,
    StorageUnavailableError,
)
from order_service.contexts.orders.lookup import Found, Page
from order_service.contexts.orders.model import Document, Order
from order_service.contexts.orders.ports import Level, OrderFilter, OrderSummary
from order_service.contexts.orders.quick_lookup import Outcome
from order_service.http.api_part import ApiPart
from order_service.http.app import ApiServices, Application, create_wsgi
from order_service.http.authentication import Authenticator
from order_service.http.front import Front
from order_service.http.health import PartState
from order_service.http.server.request import Request
from order_service.http.server.site import Whole
from order_service.metrics import Registry
from tests.loops import run

CANONICAL = (Path(__file__).parents[1] / "data" / "order.json").read_bytes()
ORDER = msgspec.json.decode(CANONICAL, type=Order)
UID = ORDER.order_uid
DOCUMENT = Document.of(ORDER)
ETAG = f'"{DOCUMENT.digest}"'
SUMMARY = OrderSummary(
    order_uid=UID,
    track_number="WBILMTESTTRACK",
    customer_id="test",
    delivery_service="meest",
    date_created=datetime(2021, 11, 26, 6, 22, 19, tzinfo=UTC),
    currency="USD",
    amount=1817,
    item_count=1,
)
CURSOR = f"1637907739000000.{UID}"
FORGED = "1.forged"


class MemoryLookup:
    """A lookup whose orders are given; remembers what it was asked."""

    def __init__(self, level: Level = Level.LOCAL) -> None:
        self.level = level
        self.found = [SUMMARY]
        self.away = False
        self.broken = False
        self.asked: list[str] = []
        self.known_until = 0.0
        self.searches: list[tuple[OrderFilter, int, str | None]] = []

    def find(self, uid: str) -> Found:
        self.asked.append("find")
        if uid == "remembered":
            raise OrderNotFoundError(uid, Level.HIT)
        if self.broken:
            raise RuntimeError("password=hunter2")
        if uid == UID:
            return Found(DOCUMENT, self.level)
        if self.away:
            raise StorageUnavailableError("connection to 10.1.2.3 refused")
        raise OrderNotFoundError(uid, Level.MISS)

    def find_at_once(self, uid: str) -> tuple[Document, float] | None:
        if uid != UID or self.level is not Level.LOCAL:
            return None
        return self.find(uid).document, self.known_until

    def found_at_once(self) -> None:
        self.asked.append("found at once")

    def find_soon(self, uid: str, then: Callable[[Outcome], None]) -> None:
        then(partial(self.find, uid))

    def search(self, wanted: OrderFilter, limit: int, cursor: str | None) -> Page:
        if self.away:
            raise StorageUnavailableError("connection to 10.1.2.3 refused")
        if cursor == FORGED:
            raise InvalidCursorError(cursor)
        self.searches.append((wanted, limit, cursor))
        return Page(self.found, CURSOR)


class Part(NamedTuple):
    """A health check with a fixed answer."""

    name: str
    ok: bool = True
    required: bool = False

    def state(self) -> PartState:
        return PartState(self.ok, {"seen": 1})


def services(
    lookup: MemoryLookup | None = None,
    parts: Iterable[Part] = (Part("postgres"), Part("redis")),
    web_dir: Path = Path("/nonexistent"),
    front: Front | None = None,
    authenticators: Sequence[Authenticator] = (),
) -> ApiServices:
    return ApiServices(
        [
            create_part(found := lookup or MemoryLookup(), found, [*parts]),
            ApiPart(authenticators=authenticators, security_schemes=SECURITY_SCHEMES),
        ],
        Registry(),
        web_dir,
        front=front or Front(),
    )


def json_of(answer: TestResponse) -> dict[str, Any]:
    """Return the JSON object of an answer, whatever its content type."""
    body = answer.get_json(force=True)
    assert isinstance(body, dict)
    return body


def client(given: ApiServices | None = None) -> Client:
    return Client(whole_service(given))


class Reply(NamedTuple):
    """A whole WSGI response."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


def ask(
    app: WSGIApplication, method: str, path: str, headers: Mapping[str, str] | None = None
) -> Reply:
    """Call a WSGI application as a server does."""
    return ask_with(
        app, EnvironBuilder(path, method=method, headers=[*(headers or {}).items()]).get_environ()
    )


def ask_with(app: WSGIApplication, environ: WSGIEnvironment) -> Reply:
    chunks, status, headers = run_wsgi_app(app, environ)
    return Reply(status, list(headers.items()), b"".join(chunks))


def ask_quickly(
    app: Application, method: str, path: str, headers: Mapping[str, str] | None = None
) -> Reply | None:
    """Ask as the server's event loop does; None if it would ask the application."""
    fields = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    request = Request(method, path.encode(), [(b"Host", b"a"), *fields], b"", "1.1", keeps=True)

    async def turn() -> Whole | None:
        asked = app.quick and app.quick(request)
        if not asked:
            return None
        answer = asked.at_once()
        if answer is not None:
            return answer
        made: asyncio.Future[Callable[[], Whole | None]] = asyncio.Future()
        asked.soon(made.set_result)
        return (await made)()

    answer = run(turn)
    if answer is None:
        return None
    status, *lines = answer[0].decode("latin-1").removesuffix("\r\n").split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    sent = [(name, value) for name, _, value in pairs]
    return Reply(status.removeprefix("HTTP/1.1 "), sent, answer[1])


def whole_service(given: ApiServices | None = None) -> Application:
    """What production runs."""
    return create_wsgi(given or services())


def flask_alone(given: ApiServices | None = None) -> WSGIApplication:
    """The same without fast paths: whatever they answer is left to the views."""
    given = given or services()
    parts = [dataclasses.replace(part, fast_paths=()) for part in given.parts]
    return create_wsgi(dataclasses.replace(given, parts=parts))
