"""One server process: it makes the application, answers, and lets its clients go before it ends.

When it stops, every answer first says that its connection ends with it: clients with a connection
leave. Then the door is closed, while what was accepted is still read and answered: new clients
are refused by the kernel, which they can see and repeat, where a connection that is reset with a
request on it would leave them in doubt.
"""

import asyncio
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from wsgiref.types import WSGIApplication

import structlog

from order_service.infra.signals import STOP_SIGNALS, ignore_signals

from .connection import Connection
from .listening import let_nobody_in
from .settings import ServerSettings
from .site import Site

_log = structlog.get_logger(__name__)

CANNOT_START = 3
"""Exit code of a worker that cannot make its application: another one could not either."""

_SPARE_FILES = 200
"""Open files that are left for everything else but connections."""

_PATIENCE = 1.0
"""Seconds in which the rest of a request may still come when the server stops."""

LAST_WORDS = 4.0
"""Seconds that the application gets to close, once requests get no more time."""

_LOOKS = 8
"""How often within the idle timeout connections are looked at."""


def work(
    factory: Callable[[], WSGIApplication],
    listener: socket.socket,
    stops: Pipe,
    settings: ServerSettings,
) -> None:
    """Serve until `stops` ends; runs in a process of its own.

    Args:
        factory: Makes the application.
        listener: The socket that listens.
        stops: A pipe that ends when the server stops, or when the main process has ended.
        settings: How to run.
    """
    # Whoever presses Ctrl-C tells all processes; it is the main one that stops them.
    ignore_signals(STOP_SIGNALS)
    try:
        app = factory()
    except Exception:  # noqa: BLE001 - whatever it is, the next try would meet it, too
        _log.exception("the server cannot start")
        os._exit(CANNOT_START)
    loop = new_event_loop()
    try:
        loop.run_until_complete(_serve(app, listener, stops, settings))
    finally:
        if close := getattr(app, "close", None):
            close()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop, which is the fastest, or the usual one where there is none."""
    try:
        import uvloop  # noqa: PLC0415 - cannot be had everywhere
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _serve(
    app: WSGIApplication, listener: socket.socket, stops: Pipe, settings: ServerSettings
) -> None:
    loop = asyncio.get_running_loop()
    quick = getattr(app, "quick", None)
    site = Site(app, quick, loop, settings, _most_connections(settings))
    stopped = asyncio.Event()
    loop.add_reader(stops.fileno(), stopped.set)
    server = await loop.create_server(
        lambda: Connection(site), sock=listener, backlog=settings.backlog
    )
    watching = loop.create_task(pass_time(site))
    await stopped.wait()
    loop.remove_reader(stops.fileno())
    _end_at_last(settings)
    site.closing = True
    await asyncio.sleep(settings.drain / 2)
    let_nobody_in(listener)
    await asyncio.sleep(settings.drain / 2)
    server.close()
    await _empty(site, settings.shutdown_timeout)
    watching.cancel()


async def pass_time(site: Site) -> None:
    """Tell the connections again and again how much time has passed."""
    pause = site.settings.idle_timeout / _LOOKS
    while True:
        await asyncio.sleep(pause)
        for connection in list(site.connections):
            connection.pass_time(pause)


async def _empty(site: Site, seconds: float) -> None:
    """Wait until all requests are answered, but no longer than so many seconds."""
    began = time.monotonic()
    while site.connections and (waited := time.monotonic() - began) < seconds:
        for connection in list(site.connections):
            connection.let_go(patient=waited < _PATIENCE)
        await asyncio.sleep(0.01)
    if site.connections:
        _log.warning("requests are given up", requests=len(site.connections))


def _end_at_last(settings: ServerSettings) -> None:
    """See to it that this process ends even if something in it hangs."""

    def end() -> None:
        time.sleep(settings.drain + settings.shutdown_timeout + LAST_WORDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=end, name="end-at-last", daemon=True).start()


def _most_connections(settings: ServerSettings) -> int:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return settings.backlog
    return max(1, min(settings.backlog, most - _SPARE_FILES))
