"""Looks at this machine: ports, clock and disk."""

import errno
import os
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from order_service.infra.addresses import reachable
from order_service.infra.listening import why_not_listen

from .finding import Finding, fault, hint, ok, warning

_OWN_TIMEOUT = 1.0
"""Seconds that whoever listens on one of our ports has to prove that it is us."""

_LITTLE = 1 << 30
_TOO_LITTLE = 100 << 20
_WRITTEN = 1_764_547_200
"""Unix time of 2025-12-01: no clock that is right shows an earlier moment."""


class Listener(NamedTuple):
    """A port that the service listens on.

    Attributes:
        name: Of what listens there.
        host: Address.
        port: TCP port, 0 for none.
        key: The setting that names it.
    """

    name: str
    host: str
    port: int
    key: str


def look_at_port(listener: Listener) -> Iterator[Finding]:
    """Yield whether the port is free, or already served by this service."""
    subject = f"port {listener.port}"
    if not listener.port:
        yield hint(listener.name, f"does not listen: {listener.key} is 0")
        return
    trouble = why_not_listen(listener.host, listener.port)
    if trouble is None:
        yield ok(subject, f"free for the {listener.name} ({listener.host})")
    elif trouble.errno == errno.EADDRINUSE and _is_ours(listener):
        yield ok(subject, f"this service's {listener.name} answers there")
    elif trouble.errno == errno.EADDRINUSE:
        text = f"another program listens where the {listener.name} should"
        yield fault(subject, text, f"stop it, or choose another port ({listener.key})")
    else:
        text = (
            f"the {listener.name} cannot listen on {listener.host}: {trouble.strerror or trouble}"
        )
        yield fault(subject, text, f"choose another address or port ({listener.key})")


def _is_ours(listener: Listener) -> bool:
    host = reachable(listener.host)
    host = f"[{host}]" if ":" in host else host
    url = f"http://{host}:{listener.port}/health/live"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_OWN_TIMEOUT) as answer:
            return '"parts"' in answer.read(1024).decode(errors="replace")
    except (OSError, ValueError):
        return False


def look_at_clock() -> Iterator[Finding]:
    """Yield a fault if the clock shows what cannot be the present."""
    if time.time() < _WRITTEN:
        text, remedy = "this machine lives in the past", "set it by NTP (timedatectl set-ntp true)"
        yield fault("clock", text, remedy)


def look_at_disk(folder: Path) -> Iterator[Finding]:
    """Yield whether `folder`, or the one in which it would be made, has room and can be written."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        text = f"{place} cannot be written"
        yield fault("disk", text, "choose another one: --data-dir or ORDER_SERVICE_DATA_DIR")
        return
    free = shutil.disk_usage(place).free
    text = f"{free / 2**30:.1f} GiB free for {folder}"
    remedy = "free some space, or keep the data elsewhere (ORDER_SERVICE_DATA_DIR)"
    if free < _TOO_LITTLE:
        yield fault("disk", text, remedy)
    elif free < _LITTLE:
        yield warning("disk", text, remedy)
    else:
        yield ok("disk", text)
