"""The production server: granian, with what it leaves open bounded.

A main process supervises the workers; each makes the application for itself, because
connections and threads do not survive being handed from one process to another. The main process
should have loaded the application's modules, and have no thread and no connection.
"""

import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any, NamedTuple
from wsgiref.types import WSGIApplication

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from order_service.infra.listening import why_not_listen
from order_service.infra.logging import GRANIAN_LOGGING

from .draining import Drainable

# Below this the HTTP library refuses to work.
_LEAST_BUFFER = 8192

FORKS = sys.platform == "linux"
"""Whether workers begin with the modules that the main process has loaded, and share their memory.

Elsewhere libraries of the system do not survive a fork.
"""


class ServerSettings(NamedTuple):
    """How the server runs.

    Attributes:
        host: Address to listen on.
        port: TCP port.
        workers: Processes.
        threads: Requests that each worker handles at once.
        backlog: Connections that the kernel holds until they are accepted.
        shutdown_timeout: Seconds that requests in flight get when the server stops.
        drain: Seconds before that in which clients are told to let go of their connections.
        max_header_bytes: Largest request head; a larger one gets 431.
        idle_timeout: Seconds after which a connection is closed that sends no whole head,
            be it a slow client or one that keeps its connection for later.
    """

    host: str
    port: int
    workers: int = 1
    threads: int = 12
    backlog: int = 1024
    shutdown_timeout: float = 10.0
    max_header_bytes: int = 16384
    idle_timeout: float = 30.0
    drain: float = 0.5


class DrainingServer(MPServer):
    """granian that lets its clients go before it closes their connections.

    It closes idle connections the moment it stops, and a request that is on its way on one
    of them is lost; see `draining` for what the workers do instead.
    """

    def __init__(self, draining: Connection, drain: float, **options: Any) -> None:  # noqa: ANN401 - granian's
        super().__init__("order_service", **options)
        self._draining = draining
        self._drain = drain

    def shutdown(self, exit_code: int = 0) -> None:
        """Drain, then stop the workers; called by granian in the main process."""
        self._draining.close()
        time.sleep(self._drain)
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]  # granian's


def serve(factory: Callable[[], WSGIApplication], settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight and return.

    A worker that dies is replaced; workers end when this process does, however it ends.
    Must be called in the main thread.

    Args:
        factory: Makes the application, once in each worker. It is pickled, so it is a
            function of a module (or a partial of one). If the application has a method
            `close`, it is called when the worker ends.
        settings: How to run.

    Raises:
        OSError: The address is in use or not ours.
        SystemExit: The workers cannot start, or die again and again.
    """
    _require_free(settings.host, settings.port)
    logging.getLogger("_granian").addFilter(_not_about_threads)
    multiprocessing.set_start_method("fork" if FORKS else "spawn", force=True)
    # Not Events: setting one waits for ever for a waiter that was killed.
    draining, drains = multiprocessing.Pipe(duplex=False)
    main_lives, lives = multiprocessing.Pipe(duplex=False)
    server = DrainingServer(drains, settings.drain, **_options(settings))
    if FORKS:
        os.register_at_fork(after_in_child=partial(_be_a_worker, drains, lives))
        gc.freeze()
    loader = partial(_load, factory, draining, main_lives, settings)
    server.serve(target_loader=loader, wrap_loader=False)
    lives.close()


def _be_a_worker(*ends: Connection) -> None:
    """Let go of what only the main process may hold, in a worker that was just forked.

    Pipes end once nobody holds their other ends any more, and until a worker is made it is ended by
    the signals that the main process, which handles them, passes on.
    """
    for end in ends:
        end.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _options(settings: ServerSettings) -> dict[str, Any]:
    """Return granian's options."""
    return {
        "address": settings.host,
        "port": settings.port,
        "interface": Interfaces.WSGI,
        "workers": settings.workers,
        "blocking_threads": settings.threads,
        "backlog": settings.backlog,
        "http": HTTPModes.http1,
        "http1_settings": HTTP1Settings(
            header_read_timeout=round(settings.idle_timeout * 1000),
            max_buffer_size=max(_LEAST_BUFFER, settings.max_header_bytes),
        ),
        "websockets": False,
        "log_dictconfig": GRANIAN_LOGGING,
        "respawn_failed_workers": True,
        "respawn_interval": 0.1,
        "workers_kill_timeout": max(1, round(settings.shutdown_timeout)),
    }


def _not_about_threads(record: logging.LogRecord) -> bool:
    """Drop granian's warning about more threads than cores: ours wait for backends."""
    return "seems quite high" not in record.msg


def _require_free(host: str, port: int) -> None:
    """Raise OSError if someone listens there.

    granian shares its port (SO_REUSEPORT): a second server would take half of the requests
    of the first instead of failing.
    """
    if reason := why_not_listen(host, port):
        raise reason


def _load(
    factory: Callable[[], WSGIApplication],
    draining: Connection,
    main_lives: Connection,
    settings: ServerSettings,
) -> WSGIApplication:
    """Make the application; runs in a worker."""
    threading.Thread(target=_end_with_main, args=[main_lives, settings], daemon=True).start()
    app = factory()
    close = getattr(app, "close", None)
    if close is not None:
        # multiprocessing ends a worker without atexit; this is its own way to say goodbye.
        Finalize(None, close, exitpriority=10)
    return Drainable(app, draining, settings.port, settings.drain / 2)


def _end_with_main(main_lives: Connection, settings: ServerSettings) -> None:
    """End this worker when its main process has ended, in the order in which that one would.

    The drain has begun by itself, as its pipe has ended too. What is stopped waits for requests in
    flight without any bound: otherwise it is the main process that sets one.
    """
    main_lives.poll(None)
    time.sleep(settings.drain)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(settings.shutdown_timeout)
    os.kill(os.getpid(), signal.SIGKILL)
