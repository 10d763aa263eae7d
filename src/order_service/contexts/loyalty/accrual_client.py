"""The accrual system over HTTP."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.response import BaseHTTPResponse

from .ports import Answer, Failed, Throttled
from .throttling import retry_after
from .verdicts import read_answer

MAX_BODY = 64 * 1024
"""Most bytes of an answer, decompressed; one that is larger cannot be believed."""

_CHUNK = 16 * 1024
_TOO_MANY = 429


CONNECT_TIMEOUT, ANSWER_TIMEOUT = 2.0, 5.0
"""Seconds until there is a connection, and until the whole answer is there."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class HttpAccrualSystem:
    """Implements :class:`ports.AccrualSystem` over connections that are kept open.

    Args:
        address: ``http://host:port``, or without the scheme.
        connections: Most that are kept: one for each thread that asks.
        key: Credential that is sent along; empty for none.
        clock: Monotonic seconds.
        now: The time in UTC.
    """

    def __init__(
        self,
        address: str,
        connections: int,
        key: str = "",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._base = base_of(address)
        self._clock = clock
        self._now = now
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=connections,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=ANSWER_TIMEOUT),
            # The poller decides when to ask again, and a redirect could lead anywhere.
            retries=False,
            headers={"Authorization": f"Bearer {key}"} if key else None,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def ask(self, number: str) -> Answer:
        """See :meth:`ports.AccrualSystem.ask`."""
        try:
            return self._ask(number)
        except (NewConnectionError, ConnectTimeoutError) as error:
            return Failed(f"no connection: {error}", away=True)
        except HTTPError as error:
            return Failed(f"{type(error).__name__}: {error}")

    def _ask(self, number: str) -> Answer:
        deadline = self._clock() + ANSWER_TIMEOUT
        response = self._pool.request(
            "GET", f"{self._base}/api/orders/{number}", redirect=False, preload_content=False
        )
        try:
            body = self._read(response, deadline)
        except BaseException:
            response.close()
            raise
        if body is None:
            response.close()
            return Failed("too long or too slow")
        response.release_conn()
        if response.status == _TOO_MANY:
            return Throttled(retry_after(response.headers.get("Retry-After"), self._now()))
        return read_answer(number, response.status, body)

    def _read(self, response: BaseHTTPResponse, deadline: float) -> bytes | None:
        """Return the body, None if it does not end in time or in bounds."""
        body = b""
        while chunk := response.read1(_CHUNK):
            body += chunk
            if len(body) > MAX_BODY or self._clock() > deadline:
                return None
        return body


def base_of(address: str) -> str:
    """Return the address with a scheme and without a slash at its end."""
    return (address if "://" in address else f"http://{address}").rstrip("/")
