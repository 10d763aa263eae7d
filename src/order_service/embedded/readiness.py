"""A step of the start that ends when all services say that they are ready."""

import http.client
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus

from order_service.embedded.workload import Endpoint

_TIMEOUT_S = 5.0
_PAUSE_S = 0.05
_PAUSES_PER_REPORT = 200  # 10 s


class StartCancelledError(Exception):
    """The start was given up while it waited."""


@dataclass(frozen=True, slots=True)
class HealthProbe:
    """`/health/ready` of one service."""

    service: str
    endpoint: Endpoint

    def fault(self) -> str:
        """Ask once, for at most five seconds; "" if ready, else what is in the way."""
        try:
            return self._ask()
        except (OSError, http.client.HTTPException) as error:
            return f"{self.service} does not answer yet ({error})"

    def _ask(self) -> str:
        host, port = self.endpoint.connect_host, self.endpoint.port
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        with closing(connection):
            connection.request("GET", "/health/ready")
            response = connection.getresponse()
            body = response.read(4096).decode("utf-8", "replace").strip()
        # A service without the route is as ready as it will ever be.
        if response.status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            return ""
        return f"{self.service} is not ready: {body}"


class ReadinessStep:
    """Waits for probes in turn, without limit; `say` hears every ten seconds what is missing."""

    def __init__(
        self, name: str, probes: Iterable[HealthProbe], say: Callable[[str], None]
    ) -> None:
        self.name = name
        self._probes = tuple(probes)
        self._say = say
        self._stopped = threading.Event()

    def start(self) -> None:
        """Block until every service is ready.

        Raises:
            StartCancelledError: `stop` or `kill` was called.
        """
        for probe in self._probes:
            self._wait_for(probe)

    def _wait_for(self, probe: HealthProbe) -> None:
        asked = 0
        while fault := probe.fault():
            asked += 1
            if asked % _PAUSES_PER_REPORT == 0:
                self._say(f"still waiting: {fault}")
            if self._stopped.wait(_PAUSE_S):
                raise StartCancelledError("stopped while waiting for readiness")

    def stop(self, timeout: float = 10.0) -> None:
        """Make `start` give up; does not block."""
        del timeout
        self._stopped.set()

    def kill(self) -> None:
        """Make `start` give up; does not block."""
        self._stopped.set()

    def alive(self) -> bool:
        """Never: it is a step, not a process."""
        return False
