"""The sockets of kafka-python, told from all others.

A warning is an error in these tests, and a socket that nobody closed is one. kafka-python forgets a
socket whose connection was refused, and one that was still connecting when its client was closed;
the garbage collector finds it in whatever test runs by then. Its sockets have a name of their own
here, so that they can be excused and no other one is.
"""

import socket

from kafka.net.inet import KafkaNetSocket


class KafkaSocket(socket.socket):
    """A socket that kafka-python made."""


def _named(
    _maker: KafkaNetSocket,
    family: int = socket.AF_UNSPEC,
    kind: int = socket.SOCK_STREAM,
    protocol: int = socket.IPPROTO_TCP,
) -> KafkaSocket:
    return KafkaSocket(family, kind, protocol)


def name_them() -> None:
    """Have kafka-python make them from now on."""
    KafkaNetSocket.socket = _named
