"""What has to be done now and then beside the requests."""

import threading

import structlog

from order_service.infra.postgres.database import Database, UnavailableError

from .storage import IDEMPOTENCY

_log = structlog.get_logger(__name__)

_EVERY = 60.0


class Upkeep:
    """Forgets idempotency keys whose time is over, in the background.

    Args:
        database: Of this context.
        stopping: Ends it.
    """

    def __init__(self, database: Database, stopping: threading.Event) -> None:
        self._database = database
        self._stopping = stopping

    def start(self) -> threading.Thread:
        """Begin; the thread ends when `stopping` is set."""
        thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY):
            try:
                self.round()
            except UnavailableError as error:
                _log.warning("upkeep waits for the database", error=str(error))

    def round(self) -> None:
        """Do what is due.

        Raises:
            UnavailableError: The database is away.
        """
        while IDEMPOTENCY.prune(self._database.write):
            pass
