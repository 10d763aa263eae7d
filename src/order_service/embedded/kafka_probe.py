"""The smallest question that tells whether a Kafka broker serves requests."""

import struct

from order_service.embedded.ports import ask

_API_VERSIONS = 18
_CORRELATION_ID = 7
_NO_CLIENT_ID = -1
_REQUEST = struct.pack(">ihhih", 10, _API_VERSIONS, 0, _CORRELATION_ID, _NO_CLIENT_ID)


def answers_kafka(port: int) -> bool:
    """Whether the broker on a loopback port answers ApiVersions; blocks a second at most."""
    answer = ask(port, _REQUEST, 10)
    return answer[4:] == struct.pack(">ih", _CORRELATION_ID, 0)
