"""Runs the cluster in the foreground and says what to tell the service: `make cluster`."""

import contextlib
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.cluster.cluster import Cluster


def main() -> None:
    """Keep it up until Ctrl-C or SIGTERM; its data is gone afterwards."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        # Postgres, which is not run as root, has to reach what is in it.
        Path(folder).chmod(0o711)
        with Cluster(Path(folder) / "cluster").running() as cluster:
            sys.stdout.write(_told(cluster))
            sys.stdout.flush()
            threading.Event().wait()


def _told(cluster: Cluster) -> str:
    settings = cluster.environment()
    settings |= {"POSTGRES_READ_HOST": settings["POSTGRES_HOST"]}
    lines = [f"export {name}={value}" for name, value in settings.items()]
    lines += [
        f"# {member.name}: Postgres on port {member.port}, Patroni at http://{member.rest}"
        for member in cluster.members.values()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
