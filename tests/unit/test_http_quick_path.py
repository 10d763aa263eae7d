"""Requests of the same bytes in the event loop: what is known is given again without asking."""

from collections.abc import Callable
from time import monotonic
from wsgiref.types import WSGIEnvironment

from order_service.http.answer import ReadyAnswer
from order_service.http.metering import Count, HttpMeter
from order_service.http.quick_path import QuickPaths
from order_service.http.request_id import request_id_of
from order_service.http.server.request import Request
from order_service.http.server.site import Ask, Whole

FOR_LONG = 3600.0


class Things:
    """Is a quick path, and the answers to its requests.

    Attributes:
        thing: The body of the answer; None if it is not known at once.
        known_for: Seconds for which it is known.
        asked: How often it was asked for.
        counted: How often it was given.
    """

    prefix = "/things/"
    rule = "/things/<name>"

    def __init__(self) -> None:
        self.thing: bytes | None = b"old"
        self.known_for = FOR_LONG
        self.asked = 0
        self.counted = 0

    def quick(self, _: WSGIEnvironment) -> "Things":
        return self

    def given(self) -> None:
        self.counted += 1

    def at_once(self) -> tuple[ReadyAnswer, float] | None:
        self.asked += 1
        if self.thing is None:
            return None
        return ("200 OK", b"HTTP/1.1 200 OK\r\n", self.thing), monotonic() + self.known_for

    def soon(self, then: Callable[[str], None]) -> None:
        then("404 NOT FOUND")

    def answer(self, outcome: str, environ: WSGIEnvironment) -> ReadyAnswer:
        return outcome, b"HTTP/1.1 404 NOT FOUND\r\n", request_id_of(environ).encode()


class Meter(HttpMeter):
    """Remembers the statuses of what was counted."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def quick_counter(self, method: str, url_rule: str, status: int) -> Count:
        assert (method, url_rule) in {("GET", Things.rule), ("HEAD", Things.rule)}
        return lambda seconds: self.statuses.append(status) if 0 <= seconds < 1 else None


def asked(things: Things, meter: HttpMeter, method: str = "GET", **fields: str) -> Ask:
    """What answers requests with such bytes."""
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    request = Request(method, b"/things/a", pairs, b"", "1.1", keeps=True)
    ask = QuickPaths([things], meter)(request)
    assert ask is not None
    return ask


def soon(ask: Ask) -> Whole | None:
    """The answer that is not known at once."""
    made: list[Whole | None] = []
    ask.soon(lambda make: made.append(make()))
    return made[0]


def id_in(answer: Whole | None) -> bytes:
    assert answer is not None
    return answer[0].partition(b"X-Request-ID: ")[2].removesuffix(b"\r\n")


def test_what_is_known_for_a_while_is_asked_for_once_and_counted_each_time() -> None:
    things, meter = Things(), Meter()
    ask = asked(things, meter)
    answers = [ask.at_once() for _ in range(3)]
    assert [answer[1] for answer in answers if answer] == [b"old"] * 3
    assert len(set(map(id_in, answers))) == 3
    assert (things.asked, things.counted, meter.statuses) == (1, 3, [200] * 3)


def test_once_its_time_is_up_the_newest_is_given() -> None:
    things = Things()
    things.known_for = 0.0
    ask = asked(things, Meter())
    assert ask.at_once()
    things.thing = b"new"
    answer = ask.at_once()
    assert answer is not None
    assert (answer[1], things.asked) == (b"new", 2)
    things.thing = None
    assert ask.at_once() is None
    assert things.counted == 2


def test_who_asks_for_the_head_alone_gets_no_body() -> None:
    ask = asked(Things(), Meter(), "HEAD")
    assert [answer[1] for _ in range(2) if (answer := ask.at_once())] == [b"", b""]


def test_a_request_that_brings_an_id_keeps_it() -> None:
    ask = asked(Things(), Meter(), x_request_id="mine")
    assert [id_in(ask.at_once()) for _ in range(2)] == [b"mine", b"mine"]
    assert id_in(soon(ask)) == b"mine"


def test_each_answer_that_comes_later_has_the_id_that_it_tells() -> None:
    meter = Meter()
    ask = asked(Things(), meter)
    answers = [soon(ask) for _ in range(2)]
    ids = [id_in(answer) for answer in answers]
    assert [answer[1] for answer in answers if answer] == ids
    assert ids[0] != ids[1]
    assert meter.statuses == [404, 404]
