"""Stops and kills of the API: no request in flight is lost, and a plain start works again."""

import http.client
import signal
import threading
from collections import Counter

import pytest

from tests.chaos.feed import orders
from tests.chaos.service import HOST, Service
from tests.chaos.stack import Stack
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka


@pytest.fixture(scope="module")
def uid(stack: Stack) -> str:
    """The uid of an order that is stored."""
    (message,) = orders(51, 1)
    consumer = stack.consumer()
    consumer.await_status(200, 30)
    with stack.feed() as feed:
        feed.send([message])
        stack.await_drained()
    assert consumer.stop() == 0
    return message.key.decode()


def test_sigterm_under_load_drops_no_request_in_flight(stack: Stack, uid: str) -> None:
    api = stack.api()
    api.await_status(200, 30)
    outcomes = Counter[str]()
    going = threading.Event()
    clients = [threading.Thread(target=_client, args=(api, uid, outcomes, going)) for _ in range(8)]
    for client in clients:
        client.start()
    assert going.wait(10)
    assert api.stop() == 0
    for client in clients:
        client.join(10)
    assert outcomes["200"] > 100
    assert outcomes.keys() <= {"200", "refused"}, outcomes


def _client(api: Service, uid: str, outcomes: Counter[str], going: threading.Event) -> None:
    """Ask until no new connection is accepted; a request that was sent must be answered.

    As every HTTP client does (RFC 9112, section 9.3.1), it asks again on a new connection if
    one that it had used before ends without a byte: a client that got no turn for the whole
    drain cannot know that its idle connection was let go.
    """
    while True:
        connection = http.client.HTTPConnection(HOST, api.port, timeout=10)
        try:
            connection.connect()
        except OSError:
            outcomes["refused"] += 1
            return
        try:
            _use(connection, uid, outcomes, going)
        except (OSError, http.client.HTTPException) as error:
            outcomes[type(error).__name__] += 1
        finally:
            connection.close()


def _use(
    connection: http.client.HTTPConnection,
    uid: str,
    outcomes: Counter[str],
    going: threading.Event,
) -> None:
    used = False
    while True:
        try:
            connection.request("GET", f"/order/{uid}")
            response = connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if used:
                return
            raise
        used = True
        response.read()
        outcomes[str(response.status)] += 1
        if outcomes["200"] > 100:
            going.set()
        if response.will_close:
            return


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_an_api_that_was_killed_starts_again_on_its_port(
    stack: Stack, uid: str, number: signal.Signals
) -> None:
    api = stack.api()
    api.await_status(200, 30)
    api.process.send_signal(number)
    api.process.wait(10)
    eventually(lambda: api.get("/health/live").status == 0, 15, "its worker has ended too")
    api.start()
    api.await_status(200, 30)
    assert api.get(f"/order/{uid}").status == 200
    assert api.stop() == 0
