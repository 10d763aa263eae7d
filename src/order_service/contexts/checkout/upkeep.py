"""What has to be done now and then, whether or not answers come."""

import threading

import structlog

from order_service.infra.postgres.database import Database

from .errors import StorageUnavailableError
from .metrics import WaitingMetrics
from .purchases_postgres import PostgresPurchases
from .storage import IDEMPOTENCY, QUERIES, available

_log = structlog.get_logger(__name__)

_EVERY = 5.0
_ASKED_AT_ONCE = 500


class Upkeep:
    """Measures what waits, asks payments again about it, and forgets old idempotency keys.

    Args:
        database: Of this context.
        purchases: On the same database.
        metrics: Told what waits.
        stopping: Ends it.
    """

    def __init__(
        self,
        database: Database,
        purchases: PostgresPurchases,
        metrics: WaitingMetrics,
        stopping: threading.Event,
    ) -> None:
        self._database = database
        self._purchases = purchases
        self._metrics = metrics
        self._stopping = stopping

    def start(self) -> threading.Thread:
        """Begin; the thread ends when `stopping` is set."""
        thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.round()
            except StorageUnavailableError as error:
                _log.warning("upkeep waits for the database", error=str(error))
            self._stopping.wait(_EVERY)

    def round(self) -> None:
        """Do what is due.

        Raises:
            StorageUnavailableError: The database is away.
        """
        with available():
            ((count, oldest),) = self._database.read(QUERIES["unsettled"])
        self._metrics.measured(count, oldest)
        if asked := self._purchases.ask_again_about_all(_ASKED_AT_ONCE):
            self._metrics.asked_again(asked)
            _log.warning("payments is asked again", purchases=asked)
        with available():
            while IDEMPOTENCY.prune(self._database.write):
                pass
