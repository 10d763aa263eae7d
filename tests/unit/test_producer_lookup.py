"""`--wait`: what was sent can be looked up, or it is said why not."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event

import pytest

from producer.lookup import NewestOrders, NotAnswered, api_of, await_answers
from producer.message import Message
from producer.sender import Delivery
from tests.backends import free_port


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[str, list[str]]]:
    """An API that answers with these in turn, the last one again and again; its asked paths."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(statuses[min(len(asked), len(statuses)) - 1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def order(uid: str, *, valid: bool = True) -> Message:
    return Message(b"key", json.dumps({"order_uid": uid}).encode(), valid, "order")


def test_the_last_good_order_of_each_partition_stands_for_those_before_it() -> None:
    newest = NewestOrders()
    newest(order("a"), Delivery(0, 1))
    newest(order("b"), Delivery(0, 2))
    newest(order("c"), Delivery(1, 1))
    newest(order("bad", valid=False), Delivery(0, 3))
    newest(order("lost"), Delivery(error="KafkaTimeoutError"))
    newest(Message(b"", b"[1, 2]", valid=True, kind="file"), Delivery(2, 1))
    assert newest.uids() == ["b", "c"]


def test_it_waits_until_all_are_answered() -> None:
    with answering(404, 503, 200) as (api, asked):
        await_answers(api, ["a/b", "c"], 30, Event())
    assert asked == ["/order/a%2Fb"] * 3 + ["/order/c"]


def test_an_order_that_is_not_stored_in_time_is_named() -> None:
    with answering(404) as (api, _), pytest.raises(NotAnswered, match=r"/order/a answers 404, 0 s"):
        await_answers(api, ["a"], 0.2, Event())


def test_an_api_that_is_closed_or_away_is_said_so() -> None:
    with answering(401) as (api, asked), pytest.raises(NotAnswered, match="needs a key"):
        await_answers(api, ["a"], 30, Event())
    assert len(asked) == 1
    with pytest.raises(NotAnswered, match="does not answer"):
        await_answers(f"http://127.0.0.1:{free_port()}", ["a"], 0.2, Event())


def test_a_stop_ends_the_wait() -> None:
    stop = Event()
    stop.set()
    with answering(404) as (api, _), pytest.raises(NotAnswered, match="so far"):
        await_answers(api, ["a"], 30, stop)


def test_the_api_is_the_one_of_the_stack() -> None:
    assert api_of({"HTTP_PORT": "8123"}) == "http://localhost:8123"
    assert api_of({}) == "http://localhost:8080"
