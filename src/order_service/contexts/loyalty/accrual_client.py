"""The accrual system over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.response import BaseHTTPResponse

from order_service.infra.timed_http import pools_with_deadline

from .addresses import base_of
from .ports import Answer, Failed, Throttled
from .throttling import retry_after
from .verdicts import read_answer

MAX_BODY = 64 * 1024
"""Most bytes of an answer, decompressed; one that is larger cannot be believed."""

_log = structlog.get_logger(__name__)

_MOST_TOLD = 10_000
"""Numbers that are logged; whoever has not noticed by then does not read the log."""

_CHUNK = 16 * 1024
_TOO_MANY = 429


CONNECT_TIMEOUT, ANSWER_TIMEOUT = 2.0, 5.0
"""Seconds until there is a connection, and until the whole answer is there."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class HttpAccrualSystem:
    """Implements :class:`ports.AccrualSystem` over connections that are kept open.

    Args:
        address: ``http://host:port``, or without the scheme, or without the host; see `base_of`.
        connections: Most that are kept: one for each thread that asks.
        key: Credential that is sent along; empty for none.
        answer_timeout: Seconds from a question until the whole answer is there.
        now: The time in UTC.
    """

    def __init__(
        self,
        address: str,
        connections: int,
        key: str = "",
        answer_timeout: float = ANSWER_TIMEOUT,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._base = base_of(address)
        self._now = now
        self._told: set[str] = set()
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=connections,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=answer_timeout),
            # The poller decides when to ask again, and a redirect could lead anywhere.
            retries=False,
            headers={"Authorization": f"Bearer {key}"} if key else None,
        )
        self._pool.pool_classes_by_scheme = pools_with_deadline(answer_timeout)

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
        response = self._pool.request(
            "GET", f"{self._base}/api/orders/{number}", redirect=False, preload_content=False
        )
        try:
            body = _read(response)
        except BaseException:
            response.close()
            raise
        if body is None:
            response.close()
            return Failed(f"more than {MAX_BODY} bytes")
        response.release_conn()
        if response.status == _TOO_MANY:
            return Throttled(retry_after(response.headers.get("Retry-After"), self._now()))
        answer = read_answer(
            number, response.status, body, response.headers.get("Content-Type", "")
        )
        if isinstance(answer, Failed) and answer.unbookable:
            self._tell_once(number, answer.reason)
        return answer

    def _tell_once(self, number: str, reason: str) -> None:
        """Log a number that will never get its points unless somebody does something."""
        if number not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(number)
            _log.warning("the points of a number cannot be booked", number=number, reason=reason)


def _read(response: BaseHTTPResponse) -> bytes | None:
    """Return the body, None if it is too long."""
    body = b""
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return body
