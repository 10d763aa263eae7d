"""Workers as threads of another process, for programs that are one process and no more."""

import threading
from collections.abc import Iterable

import structlog

from order_service.context import Work, Worker
from order_service.context.process import Process
from order_service.infra.retry import StoppedError

_log = structlog.get_logger(__name__)


def start_in_background(process: Process, workers: Iterable[Worker]) -> None:
    """Start workers as threads that end when the process is stopping."""
    for worker in workers:
        work = worker.open(process)
        thread = threading.Thread(
            target=_run, args=(worker.name, work), name=worker.name, daemon=True
        )
        process.ends(thread)
        thread.start()


def _run(name: str, work: Work) -> None:
    try:
        work.run()
    except StoppedError:
        _log.info("stopped while waiting for a backend", worker=name)
    except Exception:
        _log.exception("a worker broke", worker=name)
        raise
