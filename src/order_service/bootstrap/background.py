"""Workers as threads of another process, for programs that are one process and no more."""

import threading

import structlog

from order_service.context import Work, Worker
from order_service.context.process import Process
from order_service.http.health import PartState
from order_service.infra.retry import StoppedError

_log = structlog.get_logger(__name__)


class BackgroundWorker:
    """A worker in a thread that ends when the process is stopping.

    It is a part of the readiness of its process, which takes work that only it will do.
    Implements :class:`http.health.Check`.

    Args:
        process: Whose thread it is.
        worker: What it does.
    """

    required = True

    def __init__(self, process: Process, worker: Worker) -> None:
        self.name = worker.name
        self._process = process
        work = worker.open(process)
        self._thread = threading.Thread(
            target=_run, args=(worker.name, work), name=worker.name, daemon=True
        )

    def start(self) -> None:
        """Start its thread; once."""
        self._thread.start()
        self._process.ends(self._thread)

    def state(self) -> PartState:
        """Return whether it still works."""
        return PartState(ok=self._thread.is_alive())


def _run(name: str, work: Work) -> None:
    try:
        work.run()
    except StoppedError:
        _log.info("stopped while waiting for a backend", worker=name)
    except Exception:
        _log.exception("a worker broke", worker=name)
        raise
