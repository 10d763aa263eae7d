"""Kafka's classes the way a virtual machine has them in memory, in a file that every broker maps.

With such an archive (class data sharing, JEP 350) a broker starts in half of the time. The virtual
machine writes it when it ends; so one broker lives for that alone, once for each Java and Kafka.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from order_service.embedded.apache_kafka import jars
from order_service.embedded.lock import waited_for


def options() -> Sequence[str]:
    """Return the option of the virtual machine that uses the archive, none if there is none."""
    archive = _archive()
    # An empty one says that this Java makes none.
    usable = archive.exists() and archive.stat().st_size
    return [f"-XX:SharedArchiveFile={archive}"] if usable else []


def ensure(live_once: Callable[[str], None]) -> None:
    """Have the archive made if there is none; parallel callers, in other processes too, wait.

    Args:
        live_once: Starts a broker with the option that it is given, and stops it in good order.

    Raises:
        EmbeddedServerError: The broker did not start.
    """
    archive = _archive()
    archive.parent.mkdir(parents=True, exist_ok=True)
    with waited_for(archive.with_suffix(".lock")):
        if not archive.exists():
            partial = archive.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            live_once(f"-XX:ArchiveClassesAtExit={partial}")
            partial.touch()
            partial.rename(archive)


def _archive() -> Path:
    """Return where it is, or will be: another Java could not use it."""
    binary = Path(jars.java()).resolve()
    edition = f"{binary} {binary.stat().st_mtime_ns if binary.exists() else ''}"
    mark = hashlib.sha256(edition.encode()).hexdigest()[:12]
    folder = jars.jars_folder()
    return folder.with_name(f"{folder.name}-java-{mark}.jsa")
