"""Addresses as people write them, and whether a server could listen on one."""

import errno
import socket
from contextlib import closing

import pytest

from order_service.infra.addresses import is_loopback, parse_addresses, reachable
from order_service.infra.listening import why_not_listen
from tests.backends import free_port


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a:1,[::1]:2", [("a", 1), ("::1", 2)]),
        (" a , b:2 ,", [("a", 9), ("b", 2)]),
        ("[::1]", [("::1", 9)]),
        ("::1", [("::1", 9)]),
        ("fd00::1:2,[fd00::1]:2", [("fd00::1:2", 9), ("fd00::1", 2)]),
        ("", []),
    ],
)
def test_addresses_are_taken_apart(text: str, addresses: list[tuple[str, int]]) -> None:
    assert parse_addresses(text, 9) == addresses


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_the_loopback_interface_is_reached_from_this_machine_alone(host: str) -> None:
    assert is_loopback(host)
    assert reachable(host) == host


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])  # noqa: S104 - nothing listens
def test_what_listens_everywhere_is_reached_over_the_loopback_interface(host: str) -> None:
    assert not is_loopback(host)
    assert reachable(host) == "127.0.0.1"


def test_a_port_can_be_listened_on_until_somebody_does() -> None:
    port = free_port()
    assert why_not_listen("127.0.0.1", port) is None
    with closing(socket.create_server(("127.0.0.1", port))):
        refused = why_not_listen("127.0.0.1", port)
    assert refused
    assert refused.errno == errno.EADDRINUSE
