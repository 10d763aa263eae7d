"""Answers in the event loop: at once, soon or not at all, and in their order with all others."""

import threading

import pytest

from order_service.http.server.request import Request
from order_service.http.server.site import Ask, Reply, Whole
from tests.unit.http_server.running import GET, LAST, app_of, one_answer, path_of, rest_of, running
from tests.waiting import eventually


class Known:
    """Answers paths that begin with /quick in the event loop.

    Attributes:
        read: How many requests were read to know what they are.
        at: What is known at once; the others are answered from another thread.
    """

    def __init__(self) -> None:
        self.read = 0
        self.at: dict[bytes, bytes] = {}

    def __call__(self, request: Request) -> Ask | None:
        self.read += 1
        return _Known(self, request.target) if request.target.startswith(b"/quick") else None


class _Known:
    def __init__(self, known: Known, target: bytes) -> None:
        self._known = known
        self._target = target

    def at_once(self) -> Whole | None:
        if self._target == b"/quick/broken":
            raise RuntimeError("broken")
        body = self._known.at.get(self._target)
        return None if body is None else _whole(body)

    def soon(self, reply: Reply) -> None:
        left = self._target == b"/quick/left"
        threading.Thread(target=reply, args=[lambda: None if left else _whole(b"soon")]).start()


def _whole(body: bytes) -> Whole:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body), body


def test_what_is_known_is_answered_at_once_and_read_only_until_it_is_familiar() -> None:
    known = Known()
    known.at[b"/quick"] = b"at once"
    with running(app_of(path_of, ("Content-Length", "5")), known) as server:
        with server.connected() as client:
            for _ in range(5):
                client.sendall(GET % b"/quick")
                assert one_answer(client)[1] == b"at once"
            known.at[b"/quick"] = b"anew"
            client.sendall(GET % b"/quick")
            assert one_answer(client)[1] == b"anew"
            del known.at[b"/quick"]
            client.sendall(GET % b"/quick")
            assert one_answer(client)[1] == b"soon"
        assert known.read == 2


def test_what_cannot_be_answered_at_once_is_answered_soon_or_by_the_application() -> None:
    known = Known()
    app = app_of(lambda environ: [environ["PATH_INFO"].encode()[-5:]], ("Content-Length", "5"))
    with running(app, known) as server, server.connected() as client:
        for _ in range(3):
            for target, body in (
                (b"/quick", b"soon"),
                (b"/quick/left", b"/left"),
                (b"/quick/broken", b"roken"),
                (b"/other", b"other"),
            ):
                client.sendall(GET % target)
                assert one_answer(client)[1] == body


def test_all_ways_to_an_answer_keep_the_order() -> None:
    known = Known()
    known.at[b"/quick"] = b"at once"
    targets = [b"/quick", b"/other", b"/quick/soon", b"/quick", b"/quick/left", b"/quick"] * 300
    app = app_of(lambda environ: [environ["PATH_INFO"].encode()[-5:]], ("Content-Length", "5"))
    bodies = {b"/quick": b"at once", b"/quick/soon": b"soon"}
    with running(app, known) as server:
        sent = b"".join(GET % target for target in targets) + LAST % b"/other"
        answers = server.answer(sent).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [answer.partition(b"\r\n\r\n")[2] for answer in answers] == [
        *(bodies.get(target, target[-5:]) for target in targets),
        b"other",
    ]


@pytest.mark.parametrize(
    ("fields", "read"),
    [("Connection: close\r\n", 4), ("Connection: keep-alive\r\n", 2), ("X-A: %d\r\n", 4)],
)
def test_requests_are_familiar_by_all_of_their_bytes(fields: str, read: int) -> None:
    known = Known()
    known.at[b"/quick"] = b"at once"
    with running(app_of(path_of), known) as server:
        for number in range(4):
            own = fields.replace("%d", str(number)).encode()
            with server.connected() as client:
                client.sendall(b"GET /quick HTTP/1.1\r\nHost: a\r\n" + own + b"\r\n")
                head, _ = one_answer(client)
                assert (b"\r\nConnection: close" in head) == (b"close" in own)
        assert known.read == read


def test_a_part_of_a_request_is_not_taken_for_a_whole_one() -> None:
    known = Known()
    known.at[b"/quick"] = b"at once"
    request = GET % b"/quick"
    with (
        running(app_of(path_of, ("Content-Length", "6")), known) as server,
        server.connected() as client,
    ):
        for _ in range(2):
            client.sendall(request)
            one_answer(client)
        client.sendall(
            b"POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(request)
        )
        eventually(lambda: any(each.reads_a_request for each in server.site.connections), 20, "")
        client.sendall(request)  # as the body
        assert one_answer(client)[1] == b"/other"
        assert known.read == 3


def test_while_the_server_closes_every_answer_ends_its_connection() -> None:
    known = Known()
    known.at[b"/quick"] = b"at once"
    with running(app_of(path_of, ("Content-Length", "6")), known) as server:
        for target in (b"/quick", b"/quick/soon", b"/other"):
            with server.connected() as client:
                client.sendall(GET % target)
                one_answer(client)
                server.site.closing = True
                client.sendall(GET % target)
                assert b"\r\nConnection: close\r\n" in rest_of(client)
            server.site.closing = False
