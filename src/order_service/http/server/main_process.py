"""The main process of the server: it listens, makes workers, replaces those that die, stops them.

It should have loaded the application's modules, and have no thread and no connection: workers are
forked from it. Each makes the application for itself, because connections and threads do not
survive being handed from one process to another.
"""

import gc
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import NamedTuple
from wsgiref.types import WSGIApplication

import structlog

from order_service.infra.loading import FORKS
from order_service.infra.signals import STOP_SIGNALS, signals_held, signals_readable

from .listening import listen
from .settings import ServerSettings
from .worker import CANNOT_START, LAST_WORDS, work

_log = structlog.get_logger(__name__)

_SPAWN = multiprocessing.get_context("spawn")

_SHORT_LIFE = 10.0
"""Seconds; workers that die younger are replaced after a pause, a longer one each time."""

_PAUSES = (0.1, 5.0)
"""Shortest and longest pause before a worker is replaced."""


def serve(factory: Callable[[], WSGIApplication], settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight and return.

    A worker that dies is replaced; workers end when this process does, however it ends.
    Must be called in the main thread.

    Args:
        factory: Makes the application, once in each worker. It is pickled, so it is a
            function of a module (or a partial of one). If the application has a method
            `close`, it is called when the worker ends; if it has a method `quick`, it is a
            :class:`site.Quick`.
        settings: How to run.

    Raises:
        OSError: The address is in use or not ours.
        SystemExit: A worker cannot make the application.
    """
    # Whoever finds the port open may stop us, so that we hear it before the port is open.
    with signals_readable(STOP_SIGNALS) as stopping, ExitStack() as opened:
        listeners = listen(settings.host, settings.port, settings.backlog, settings.workers)
        for listener in listeners:
            opened.enter_context(listener)
        gc.freeze()
        Workers(factory, listeners, settings).run(stopping)


class _Life(NamedTuple):
    """Which of the workers a process is, and since when by the monotonic clock."""

    number: int
    began: float


class Workers:
    """The workers of a server.

    Args:
        factory: Makes the application.
        listeners: The sockets that listen, one for each. That of a worker that dies is kept for its
            successor, with the clients that wait in it.
        settings: How to run.
    """

    def __init__(
        self,
        factory: Callable[[], WSGIApplication],
        listeners: Sequence[socket.socket],
        settings: ServerSettings,
    ) -> None:
        self._factory = factory
        self._listeners = listeners
        self._settings = settings
        self._context = multiprocessing.get_context("fork") if FORKS else _SPAWN
        # Not an Event: setting one waits for ever for a waiter that was killed.
        self._stopped, self._stops = self._context.Pipe(duplex=False)
        self._alive: dict[BaseProcess, _Life] = {}
        self._pause = _PAUSES[0]

    def run(self, stopping: int) -> None:
        """Keep the workers alive until something can be read from `stopping`, then stop them.

        Args:
            stopping: A file descriptor.

        Raises:
            SystemExit: A worker cannot make the application.
        """
        try:
            for number in range(len(self._listeners)):
                self._begin(number)
            while True:
                ready = wait([stopping, *(each.sentinel for each in self._alive)])
                if stopping in ready:
                    return
                self._replace_dead(stopping)
        finally:
            self._end()

    def _begin(self, number: int) -> None:
        own = self._listeners[number]
        process = self._context.Process(
            target=_begin_work,
            args=(
                partial(work, self._factory, own, self._stopped, self._settings),
                self._stops,
                [each for each in self._listeners if each is not own],
            ),
        )
        with signals_held(STOP_SIGNALS):
            process.start()
        self._alive[process] = _Life(number, time.monotonic())

    def _replace_dead(self, stopping: int) -> None:
        for process in [each for each in self._alive if not each.is_alive()]:
            number, began = self._alive.pop(process)
            if process.exitcode == CANNOT_START:
                raise SystemExit(1)
            if time.monotonic() - began > _SHORT_LIFE:
                self._pause = _PAUSES[0]
            _log.error("a worker died and is replaced", code=process.exitcode, after=self._pause)
            if wait([stopping], self._pause):
                return
            self._pause = min(2 * self._pause, _PAUSES[1])
            self._begin(number)

    def _end(self) -> None:
        self._stops.close()
        end = time.monotonic() + self._settings.drain + self._settings.shutdown_timeout + LAST_WORDS
        for process in self._alive:
            process.join(max(0.0, end - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        self._stopped.close()


def _begin_work(begin: Callable[[], None], stops: Pipe, listeners: Iterable[socket.socket]) -> None:
    """Let go of what only others may hold, and begin; runs in the worker."""
    stops.close()  # the pipe ends once nobody holds this end any more
    for listener in listeners:
        listener.close()
    begin()
