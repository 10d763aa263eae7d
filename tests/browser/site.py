"""A stand-in for the service, for the page's own tests.

It serves web/ under the strict Content-Security-Policy that the service uses and answers
the two routes that the page asks with what a test puts in: orders, faults, delays. Being
scripted, it can show the page states that a healthy service never gets into.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}

Order = dict[str, Any]


@dataclass
class Answer:
    """One scripted HTTP answer; `release` holds it back until the test sets the event."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    release: threading.Event | None = None


def problem(status: int, detail: str = "", **headers: str) -> Answer:
    """A problem+json answer; header names are given with `_` for `-`."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": {},
        "request_id": "req-1",
    }
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    head = {"Content-Type": "application/problem+json", "X-Request-ID": "req-1"} | fields
    return Answer(status, json.dumps(document).encode(), head)


def ok(document: object, release: threading.Event | None = None) -> Answer:
    """A 200 answer with a JSON document, as if it came from the cache."""
    headers = {"Content-Type": "application/json", "X-Cache": "hit", "X-Request-ID": "req-1"}
    return Answer(200, json.dumps(document, ensure_ascii=False).encode(), headers, release)


@dataclass
class Site:
    """What the stand-in knows. Orders are listed as given: put the newest first.

    With a `key`, reading is closed to requests that do not carry it. `routes` are served beside
    those of the orders, by what is scripted for them.
    """

    url: str = ""
    key: str = ""
    orders: list[Order] = field(default_factory=list)
    scripted: dict[str, deque[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)

    def script(self, path: str, *answers: Answer) -> None:
        """Answer the next requests for `path` with these; the last one stays."""
        self.scripted[path] = deque(answers)

    def restore(self, path: str) -> None:
        """Let `path` be answered from the orders again."""
        del self.scripted[path]

    def answer(self, target: str, authorization: str | None = None) -> Answer:
        """The answer for one request target."""
        self.asked.append(target)
        url = urlsplit(target)
        closed = self.key and url.path.startswith("/order")
        if closed and authorization != f"Bearer {self.key}":
            return problem(401, "Reading needs a key.")
        script = self.scripted.get(url.path)
        if script:
            return script.popleft() if len(script) > 1 else script[0]
        if url.path.startswith("/order/"):
            return self._order(unquote(url.path.removeprefix("/order/")))
        if url.path == "/orders":
            return self._page({name: given[0] for name, given in parse_qs(url.query).items()})
        if url.path == "/web/routes.json":
            return ok({"routes": ["/", "/order/<order_uid>", "/orders", *self.routes]})
        return _file(url.path)

    def _order(self, uid: str) -> Answer:
        found = [order for order in self.orders if order["order_uid"] == uid]
        return ok(found[0]) if found else problem(404, "No order has this id.")

    def _page(self, query: dict[str, str]) -> Answer:
        fields = ("customer_id", "track_number")
        wanted = {name: query[name] for name in fields if name in query}
        found = [order for order in self.orders if wanted.items() <= order.items()]
        start, size = int(query.get("cursor", "0")), int(query.get("limit", "20"))
        rest = start + size
        cursor = str(rest) if rest < len(found) else None
        page = [_summary(order) for order in found[start:rest]]
        return ok({"orders": page, "next_cursor": cursor})


def _summary(order: Order) -> Order:
    copied = ("order_uid", "track_number", "customer_id", "delivery_service", "date_created")
    return {name: order[name] for name in copied} | {
        "currency": order["payment"]["currency"],
        "amount": order["payment"]["amount"],
        "item_count": len(order["items"]),
    }


def _file(path: str) -> Answer:
    file = WEB / ("index.html" if path == "/" else path.removeprefix("/web/"))
    if not file.is_file():
        return problem(404)
    return Answer(200, file.read_bytes(), {"Content-Type": CONTENT_TYPES[file.suffix]})


class _Handler(BaseHTTPRequestHandler):
    site: ClassVar[Site]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = self.site.answer(self.path, self.headers["Authorization"])
        if answer.release is not None:
            answer.release.wait(timeout=30)
        try:
            self._send(answer)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the page gave this request up

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Keep the test output quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that drops a connection is no fault of the test."""


@contextmanager
def serving(orders: list[Order]) -> Iterator[Site]:
    """Serve a site on a free loopback port while the block runs."""
    site = Site(orders=orders)
    handler = type("Handler", (_Handler,), {"site": site})
    with _Server(("127.0.0.1", 0), handler) as server:
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield site
        server.shutdown()
        thread.join()


def canonical_order() -> Order:
    """A fresh copy of the sample order."""
    order: Order = json.loads((ROOT / "tests/data/order.json").read_text(encoding="utf-8"))
    return order


def order_like(uid: str, **changes: object) -> Order:
    """The sample order under another id, with top-level fields changed."""
    return canonical_order() | {"order_uid": uid} | changes
