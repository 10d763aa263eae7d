"""The pollers of a process, and its upkeep."""

import threading
from collections.abc import Sequence

import structlog

from order_service.context.checks import RetryCheck
from order_service.context.process import Process
from order_service.context.upkeep import repeat
from order_service.contexts.loyalty.accrual_client import HttpAccrualSystem
from order_service.contexts.loyalty.errors import StorageUnavailableError
from order_service.contexts.loyalty.expiring import Expiring
from order_service.contexts.loyalty.metrics import PollingMetrics
from order_service.contexts.loyalty.numbers_postgres import PostgresPolling
from order_service.contexts.loyalty.points_postgres import PostgresPoints
from order_service.contexts.loyalty.polling import Gate, Poller
from order_service.contexts.loyalty.settings import LoyaltySettings
from order_service.contexts.loyalty.upkeep import Upkeep
from order_service.http.health import Check
from order_service.infra.retry import Policy, StoppedError

_log = structlog.get_logger(__name__)

_IDLE = 0.2
"""Seconds until a poller that found nothing looks again."""

_AWAY = Policy(attempts=1, base_delay=0.2, max_delay=5.0)
"""How long a poller leaves an accrual system alone that does not answer at all."""

_UPKEEP_EVERY = 60.0
"""Seconds between two rounds of upkeep."""


class Pollers:
    """Asks the accrual system about numbers until the process is stopping. Implements `Work`.

    Args:
        process: Lends database, metrics and the sign to stop.
    """

    def __init__(self, process: Process) -> None:
        settings = process.config.of(LoyaltySettings)
        self._stopping = process.stopping
        self._retry = process.retry(
            "postgres", process.config.postgres.retry, StorageUnavailableError
        )
        database = process.database(settings.pollers + 1)
        store, metrics = PostgresPolling(database), PollingMetrics(process.registry)
        system = HttpAccrualSystem(
            address_of(process), settings.pollers, settings.accrual_key.reveal()
        )
        process.closes(system.close)
        gate = Gate(store)
        self._pollers = [
            Poller(store, system, gate, metrics, process.stopping) for _ in range(settings.pollers)
        ]
        points = PostgresPoints(database, settings.points_lifetime)
        expiring = Expiring(points) if settings.points_lifetime else None
        self._upkeep = Upkeep(store, expiring, metrics.overdue.set)

    @property
    def checks(self) -> Sequence[Check]:
        """See :class:`context.Work`."""
        return [RetryCheck(self._retry)]

    def run(self) -> None:
        """See :meth:`context.Work.run`."""
        threads = self.start()
        repeat(self._upkeep.round, _UPKEEP_EVERY, self._stopping, StorageUnavailableError)
        for thread in threads:
            thread.join()

    def start(self) -> Sequence[threading.Thread]:
        """Poll in the background, without upkeep."""
        threads = [
            threading.Thread(target=self._poll, args=(poller,), name="poller", daemon=True)
            for poller in self._pollers
        ]
        for thread in threads:
            thread.start()
        return threads

    def _poll(self, poller: Poller) -> None:
        away = 0
        while not self._stopping.is_set():
            try:
                found = self._retry.call(poller.round)
            except StoppedError:
                return
            except Exception:  # noqa: BLE001 - see below
                # A thread that ended would leave its share of the work undone, unseen.
                _log.exception("a round of polling broke")
                self._stopping.wait(_AWAY.max_delay)
                continue
            away = away + 1 if found.away else 0
            if away:
                self._stopping.wait(_AWAY.backoff(away))
            elif not found.asked:
                self._stopping.wait(_IDLE)


def address_of(process: Process) -> str:
    """Return where the accrual system is: that of this service, unless another one is named."""
    http = process.config.http
    return process.config.of(LoyaltySettings).accrual_address or f"{http.host}:{http.port}"
