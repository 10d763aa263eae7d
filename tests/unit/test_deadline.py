"""A socket whose time is up is shut down, and no other."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from order_service.infra.postgres.deadline import SocketDeadlines
from tests.fakes import Clock

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends of a TCP connection; reads of the first give up after 10 s."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as near,
        closing(server.accept()[0]) as far,
    ):
        near.settimeout(10)
        yield near, far


def test_a_socket_within_its_time_is_left_alone(pair: Pair) -> None:
    clock = Clock()
    deadlines = SocketDeadlines(clock=clock)
    with deadlines.within(5.0, pair[0].fileno()):
        clock.now += 4.9
        deadlines.expire()
        pair[1].sendall(b"x")
        assert pair[0].recv(1) == b"x"


def test_a_socket_whose_time_is_up_ends_its_reader(pair: Pair) -> None:
    clock = Clock()
    deadlines = SocketDeadlines(clock=clock)
    with deadlines.within(5.0, pair[0].fileno()):
        clock.now += 5.0
        deadlines.expire()
        assert pair[0].recv(1) == b""


def test_a_call_that_ended_in_time_is_no_longer_watched(pair: Pair) -> None:
    clock = Clock()
    deadlines = SocketDeadlines(clock=clock)
    with deadlines.within(5.0, pair[0].fileno()):
        pass
    clock.now += 100.0
    deadlines.expire()
    pair[1].sendall(b"x")
    assert pair[0].recv(1) == b"x"


def test_a_call_that_failed_is_no_longer_watched(pair: Pair) -> None:
    clock = Clock()
    deadlines = SocketDeadlines(clock=clock)
    with pytest.raises(KeyError), deadlines.within(5.0, pair[0].fileno()):
        raise KeyError
    clock.now += 100.0
    deadlines.expire()
    pair[1].sendall(b"x")
    assert pair[0].recv(1) == b"x"


def test_the_watchdog_ends_a_blocked_read_by_itself(pair: Pair) -> None:
    deadlines = SocketDeadlines(interval=0.01)
    deadlines.start()
    with closing(deadlines), deadlines.within(0.02, pair[0].fileno()):
        assert pair[0].recv(1) == b""


def test_a_socket_that_is_closed_already_is_no_failure(pair: Pair) -> None:
    clock = Clock()
    deadlines = SocketDeadlines(clock=clock)
    with deadlines.within(1.0, pair[0].fileno()):
        pair[0].close()
        clock.now += 2.0
        deadlines.expire()
