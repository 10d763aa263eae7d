"""A worker process: what one context does beside the API, with a small server for its metrics."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import structlog

from order_service.config import Config
from order_service.context import Contexts, Work, Worker
from order_service.context.process import Process
from order_service.http.health import Readiness
from order_service.http.operations import serve_operations
from order_service.infra.memory import share_one_arena
from order_service.infra.retry import StoppedError
from order_service.infra.signals import set_on_stop_signals

_log = structlog.get_logger(__name__)

_STOP_LIMIT = 8.0
"""Seconds from the signal to the end: what a consumer may take to finish its batch, and some."""


def run_worker(contexts: Contexts, config: Config, worker: Worker) -> int:
    """Work until SIGTERM or SIGINT, in the main thread; return the exit code."""
    share_one_arena()
    with closing(Process(config, scopes=contexts.scopes)) as process:
        set_on_stop_signals(process.stopping)
        _bound_the_stop(process.stopping, _STOP_LIMIT)
        try:
            run_work(process, worker.open(process))
        except StoppedError:
            _log.info("stopped while waiting for a backend")
        except OSError as error:
            _log.critical("the worker cannot start", worker=worker.name, error=str(error))
            return 1
    return 0


def _bound_the_stop(stopping: threading.Event, limit: float) -> None:
    """End the process `limit` seconds after it was told to stop, whatever it waits for.

    A client that looks for a broker which is gone does so deep inside of its library, where nobody
    asks whether to stop. Work that is cut off is done again, as after any other end, so that this
    is no failure either.
    """

    def end() -> None:
        stopping.wait()
        time.sleep(limit)
        _log.warning("the stop takes too long, what is left is cut off", seconds=limit)
        os._exit(0)

    threading.Thread(target=end, name="stop-limit", daemon=True).start()


def run_work(process: Process, work: Work) -> None:
    """Do the work until the process is stopping, with metrics and health served meanwhile.

    Raises:
        StoppedError: The process is stopping before the work could begin.
        OSError: The port of the metrics is taken.
    """
    with _operations(process, work):
        work.run()


@contextlib.contextmanager
def _operations(process: Process, work: Work) -> Iterator[None]:
    """Serve metrics and health for the length of the block, unless the port is 0."""
    host, port = process.config.http.host, process.config.metrics.worker_port
    if port == 0:
        yield
        return
    with closing(
        serve_operations(host, port, process.registry, Readiness(work.checks))
    ) as operations:
        _log.info("metrics and health are served", port=operations.port)
        yield
