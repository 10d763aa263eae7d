"""How the server runs."""

from typing import NamedTuple

MOST_BODY = 65536
"""Bytes of the largest body of a request, unless something else is said."""


class ServerSettings(NamedTuple):
    """How the server runs.

    Attributes:
        host: Address to listen on.
        port: TCP port.
        workers: Processes.
        threads: Requests that each worker hands to the application at once.
        backlog: Connections that the kernel holds until they are accepted, and that a worker holds.
        shutdown_timeout: Seconds that requests in flight get when the server stops.
        drain: Seconds before that in which clients are told to let go of their connections.
        max_header_bytes: Largest request head; a larger one gets 431.
        max_body_bytes: Largest body that is read. Of a larger one the application gets a byte more,
            for it to refuse, and the connection ends.
        idle_timeout: Seconds after which a connection is closed that sends no whole head, be it a
            slow client or one that keeps its connection for later; also those that a body, or the
            taking of an answer, may stall.
    """

    host: str
    port: int
    workers: int = 1
    threads: int = 12
    backlog: int = 1024
    shutdown_timeout: float = 10.0
    max_header_bytes: int = 16384
    max_body_bytes: int = MOST_BODY
    idle_timeout: float = 30.0
    drain: float = 0.5
