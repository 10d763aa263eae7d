"""The visit of `run --demo`: who visits, what is asked, and what becomes of a part that fails."""

import io
import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from order_service.bootstrap.demo import FILE_NAME, kept_person, visit_of
from order_service.context import Context
from order_service.context.demo import DemoError, DemoPerson, DemoVisit
from order_service.embedded.console import Banner, Console
from order_service.embedded.visiting import VisitStep
from order_service.embedded.workload import ShownLine
from order_service.infra.luhn import is_luhn_number
from tests.backends import free_port

PERSON = DemoPerson("ann@example.com", "secret", "18")


class Asked(NamedTuple):
    """A request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


class Api:
    """Answers every request with `status` and `body`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.status, self.body = 200, b"{}"
        self.url = ""

    def visit(self, *, stopping: bool = False) -> DemoVisit:
        return DemoVisit(self.url, PERSON, lambda *_: None, lambda: stopping)


@pytest.fixture
def api() -> Iterator[Api]:
    known = Api()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            known.asked.append(Asked(f"{self.command} {self.path}", headers, body))
            self.send_response(known.status)
            self.send_header("Content-Length", str(len(known.body)))
            self.end_headers()
            self.wfile.write(known.body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        known.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield known
        server.shutdown()
        thread.join()


def test_a_request_is_that_of_the_person_once_they_are_signed_in(api: Api) -> None:
    visit = api.visit()
    before = visit.signed_in
    visit.ask("POST", "/wallet")
    visit.sign_in("token")
    assert (before, visit.signed_in) == (False, True)
    visit.ask("POST", "/deposits", {"amount": 1}, key="once")
    visit.ask("POST", "/orders", "18")
    first, second, third = api.asked
    assert (first.line, first.body) == ("POST /wallet", b"")
    assert {"authorization", "idempotency-key", "content-type"}.isdisjoint(first.headers)
    assert second.headers["authorization"] == "Bearer token"
    assert second.headers["idempotency-key"] == "once"
    assert second.headers["content-type"] == "application/json"
    assert json.loads(second.body) == {"amount": 1}
    assert (third.headers["content-type"], third.body) == ("text/plain", b"18")


def test_a_status_that_is_not_expected_is_an_error_with_its_reason(api: Api) -> None:
    api.status, api.body = 409, b'{"detail": "It is taken."}'
    assert api.visit().ask("POST", "/goods", also=(409,)).status == 409
    with pytest.raises(DemoError, match=r"POST /goods was answered with 409: It is taken\."):
        api.visit().ask("POST", "/goods")
    api.status, api.body = 502, b"<html>"
    with pytest.raises(DemoError, match=r"GET /goods was answered with 502$"):
        api.visit().ask("GET", "/goods")


def test_no_answer_and_no_json_are_errors_of_the_demo(api: Api) -> None:
    api.body = b"<html>"
    with pytest.raises(DemoError, match="no JSON"):
        api.visit().ask("GET", "/").json()
    api.url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(DemoError, match="GET / has no answer"):
        api.visit().ask("GET", "/")


def test_a_stack_that_stops_asks_nothing_more(api: Api) -> None:
    with pytest.raises(DemoError, match="stopping"):
        api.visit(stopping=True).ask("GET", "/")
    assert not api.asked


def test_the_person_stays_the_same_and_only_their_owner_can_read_the_password(
    tmp_path: Path,
) -> None:
    path = tmp_path / "new" / FILE_NAME
    person = kept_person(path)
    assert kept_person(path) == person
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_luhn_number(person.order_number)
    assert len(person.password) == 16
    other = kept_person(tmp_path / FILE_NAME)
    assert other.password != person.password
    assert other.order_number != person.order_number


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"login": "ann"}', '{"other": "ann"}'])
def test_a_file_that_holds_no_person_is_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(text)
    person = kept_person(path)
    assert kept_person(path) == person


def failing(visit: DemoVisit) -> None:
    visit.tell("First", "half of it")
    raise DemoError("it is closed")


def greeting(visit: DemoVisit) -> None:
    visit.tell("Hello", visit.person.login)


def lines_of(host: str, data_dir: Path, *contexts: Context) -> list[ShownLine]:
    visit = visit_of(contexts, host, "http://localhost:1", data_dir)
    assert visit is not None
    return list(visit(lambda: False))


def test_a_part_that_fails_is_told_and_the_others_are_done(tmp_path: Path) -> None:
    shop, hall = Context(name="shop", visit=failing), Context(name="hall", visit=greeting)
    assert lines_of("127.0.0.1", tmp_path, shop, Context(name="mute"), hall) == [
        ("First", "half of it"),
        ("Demo", "shop is not shown: it is closed"),
        ("Hello", kept_person(tmp_path / FILE_NAME).login),
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "", "::", "shop.example.com"])  # noqa: S104
def test_where_others_can_sign_in_there_is_no_person(host: str, tmp_path: Path) -> None:
    (line,) = lines_of(host, tmp_path, Context(name="hall", visit=greeting))
    assert line.label == "Demo"
    assert "loopback" in line.text
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "::1"])
def test_on_loopback_there_is_one(host: str, tmp_path: Path) -> None:
    (line,) = lines_of(host, tmp_path, Context(name="hall", visit=greeting))
    assert line.label == "Hello"


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    (line,) = lines_of("localhost", file, Context(name="hall", visit=greeting))
    assert line.text.startswith("nobody to sign in as")


def test_without_anything_to_show_there_is_no_visit(tmp_path: Path) -> None:
    assert visit_of([Context(name="mute")], "localhost", "http://localhost:1", tmp_path) is None


def test_a_step_keeps_what_there_is_to_see_and_gives_up_when_it_is_stopped() -> None:
    step = VisitStep(lambda stopping: [ShownLine("Stopping", str(stopping()))])
    seen = [list(step.lines)]
    step.start()
    seen.append(list(step.lines))
    step.stop()
    step.start()
    seen.append(list(step.lines))
    assert seen == [[], [("Stopping", "False")], [("Stopping", "True")]]


def test_the_banner_shows_it_below_the_pages() -> None:
    out = io.StringIO()
    banner = Banner([], Path("/d"), 1.0, shown=[ShownLine("Sign in", "as ann")])
    Console(out, io.StringIO()).ready(banner)
    assert "\n  Sign in   as ann\n" in out.getvalue()
