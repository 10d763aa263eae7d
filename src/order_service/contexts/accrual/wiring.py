"""The accrual context on its backends."""

from collections.abc import Sequence

import structlog

from order_service.context.checks import CallCheck, RetryCheck
from order_service.context.process import Process
from order_service.http.api_part import ApiPart
from order_service.http.health import Check
from order_service.infra.retry import Retry, StoppedError

from .api.part import create_part
from .calculating import Calculation
from .errors import StorageUnavailableError
from .limit import RequestLimit
from .metrics import CalculationMetrics, RequestMetrics
from .postgres import PostgresAccruals
from .settings import AccrualSettings

_log = structlog.get_logger(__name__)

_IDLE = 0.2
"""Seconds until a calculator that found nothing looks again."""

_AFTER_FAULT = 5.0
"""Seconds until a calculator that met a fault of its own tries again."""


def open_api(process: Process) -> ApiPart:
    """Return the routes on their database."""
    settings = process.config.of(AccrualSettings)
    store = PostgresAccruals(process.database(process.config.http.threads))
    limit = RequestLimit(settings.requests_per_minute)
    check = CallCheck("accrual", store.check, required=False)
    return create_part(store, limit, RequestMetrics(process.registry), [check])


class Calculator:
    """Calculates orders as they come, until the process is stopping. Implements `Work`.

    Args:
        process: Lends database, metrics and the sign to stop.
    """

    def __init__(self, process: Process) -> None:
        self._stopping = process.stopping
        self._retry: Retry = process.retry(
            "postgres", process.config.postgres.retry, StorageUnavailableError
        )
        store = PostgresAccruals(process.database(1))
        self._step = Calculation(store, CalculationMetrics(process.registry)).step

    @property
    def checks(self) -> Sequence[Check]:
        """See :class:`context.Work`."""
        return [RetryCheck(self._retry)]

    def run(self) -> None:
        """See :meth:`context.Work.run`."""
        while not self._stopping.is_set():
            self._stopping.wait(self._round())

    def _round(self) -> float:
        """Calculate some orders; return the seconds to wait before the next ones."""
        try:
            return 0.0 if self._retry.call(self._step) else _IDLE
        except StoppedError:
            raise
        except Exception:  # noqa: BLE001 - see below
            # Orders would be accepted for ever and never be calculated.
            _log.exception("a round of calculations broke")
            return _AFTER_FAULT
