"""What has to be done now and then, whether or not answers come."""

import structlog

from order_service.infra.postgres.database import Database

from .metrics import WaitingMetrics
from .purchases_postgres import PostgresPurchases
from .storage import IDEMPOTENCY, QUERIES, available

_log = structlog.get_logger(__name__)

EVERY = 5.0
"""Seconds between two rounds."""

_ASKED_AT_ONCE = 500


class Upkeep:
    """Measures what waits, asks payments again about it, and forgets old idempotency keys.

    Args:
        database: Of this context.
        purchases: On the same database.
        metrics: Told what waits.
    """

    def __init__(
        self, database: Database, purchases: PostgresPurchases, metrics: WaitingMetrics
    ) -> None:
        self._database = database
        self._purchases = purchases
        self._metrics = metrics

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
            IDEMPOTENCY.prune_all(self._database.write)
