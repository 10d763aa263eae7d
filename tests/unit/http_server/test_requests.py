"""What the server takes for a request, what it refuses, and what it makes of it (RFC 9112)."""

from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import WSGIEnvironment

import msgspec
import pytest

from order_service.http.server.settings import ServerSettings
from tests.unit.http_server.running import Running, one_answer, rest_of, running


def echo(environ: WSGIEnvironment, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
    """Answer with what the request was."""
    body = environ["wsgi.input"].read()
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    content = msgspec.json.encode({**told, "body": body.decode("latin-1")})
    start_response("200 OK", [("Content-Length", str(len(content)))])
    return [content]


LIMITED = ServerSettings("127.0.0.1", 0, threads=2, max_header_bytes=2000, max_body_bytes=1000)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(echo, settings=LIMITED) as server:
        yield server


def told(answer: bytes) -> dict[str, str]:
    """What the application was told."""
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    found: dict[str, str] = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
    return found


def get(rest: str) -> bytes:
    return f"{rest}\r\nConnection: close\r\n\r\n".encode("latin-1")


def test_the_application_is_told_what_was_asked(server: Running) -> None:
    environ = told(server.answer(get("GET /a%2Fb%C3%A9?x=%20&y HTTP/1.1\r\nHost: h:1\r\nX-A: 1")))
    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["PATH_INFO"] == "/a/b\xc3\xa9"
    assert environ["REQUEST_URI"] == "/a%2Fb%C3%A9?x=%20&y"
    assert environ["QUERY_STRING"] == "x=%20&y"
    assert (environ["HTTP_HOST"], environ["HTTP_X_A"]) == ("h:1", "1")
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_a_field_that_comes_twice_is_a_list(server: Running) -> None:
    fields = "A: 1\r\nA: 2\r\nCookie: a=1\r\nCookie: b=2"
    environ = told(server.answer(get(f"GET / HTTP/1.1\r\nHost: h\r\n{fields}")))
    assert environ["HTTP_A"] == "1,2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def test_a_field_with_an_underscore_passes_for_no_other(server: Running) -> None:
    environ = told(server.answer(get("GET / HTTP/1.1\r\nHost: h\r\nX_Forwarded_For: me")))
    assert "HTTP_X_FORWARDED_FOR" not in environ


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        ("http://other:81/a?b", "other:81", "/a"),
        ("http://[::1]/a", "[::1]", "/a"),
        ("http://other", "other", "/"),
        ("//double/a", "h", "//double/a"),
    ],
)
def test_a_target_may_name_the_host(server: Running, target: str, host: str, path: str) -> None:
    environ = told(server.answer(get(f"GET {target} HTTP/1.1\r\nHost: h")))
    assert (environ["HTTP_HOST"], environ["PATH_INFO"]) == (host, path)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 505),
        (b"NONSENSE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", 400),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 3000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 300_000, 431),
        (b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 500 + b"\r\n", 431),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused_as_a_problem_and_nothing_is_read_after_it(
    server: Running, request_: bytes, status: int
) -> None:
    answer = server.answer(request_ + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status, answer
    assert b"\r\nConnection: close" in head
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert msgspec.json.decode(body)["status"] == status  # and nothing behind it


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_a_body_arrives_whole_however_it_comes(server: Running, size: int) -> None:
    body = "b" * size
    chunks = "".join(f"{len(part):x}\r\n{part}\r\n" for part in (body[:7], body[7:]) if part)
    for head, sent in (
        (f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}", body),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked", chunks + "0\r\n\r\n"),
    ):
        assert told(server.answer(get(head) + sent.encode()))["body"] == body


def test_a_request_may_come_byte_by_byte(server: Running) -> None:
    request_ = get("POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3") + b"abc"
    with server.connected() as connection:
        for byte in request_:
            connection.sendall(bytes([byte]))
        environ = told(rest_of(connection))
    assert (environ["PATH_INFO"], environ["QUERY_STRING"], environ["body"]) == ("/a", "b", "abc")


@pytest.mark.parametrize("framing", ["Content-Length: 5000", "Transfer-Encoding: chunked"])
def test_of_a_body_that_is_too_large_a_byte_too_much_is_handed_on_at_the_most(
    server: Running, framing: str
) -> None:
    body = b"b" * 5000
    sent = body if "Length" in framing else b"1388\r\n" + body + b"\r\n0\r\n\r\n"
    head = f"POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"
    answer = server.answer(head.encode() + sent + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert len(told(answer)["body"]) == (0 if "Length" in framing else 1001)


def test_a_length_that_is_too_large_is_answered_before_the_body_comes(server: Running) -> None:
    answer = server.answer(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
    assert told(answer)["CONTENT_LENGTH"] == "99999999"


def test_who_waits_to_be_told_is_told_to_go_ahead(server: Running) -> None:
    head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3"
    with server.connected() as connection:
        connection.sendall(get(head))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert told(rest_of(connection))["body"] == "abc"


def test_who_would_send_too_much_is_not_told_to_go_ahead(server: Running) -> None:
    head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3000"
    assert server.answer(get(head)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("body", [b"", b"abc"])
def test_another_protocol_is_asked_for_in_vain(server: Running, body: bytes) -> None:
    head = "POST /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with server.connected() as connection:
        for _ in range(2):  # and the connection goes on
            connection.sendall(head.encode() + body)
            assert told(b"\r\n\r\n".join(one_answer(connection)))["body"] == body.decode()


def test_connections_of_http_1_0_end_unless_they_are_to_be_kept(server: Running) -> None:
    answer = server.answer(b"GET / HTTP/1.0\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    with server.connected() as connection:
        for _ in range(2):
            connection.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert b"\r\nConnection: keep-alive" in one_answer(connection)[0]


def test_what_was_asked_before_the_client_stopped_sending_is_answered(server: Running) -> None:
    with server.connected() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        connection.shutdown(1)
        assert rest_of(connection).count(b"HTTP/1.1 200 OK") == 3
