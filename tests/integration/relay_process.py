"""Relays of an outbox in processes of their own, to be killed and frozen."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping

from order_service.context.relaying import Relaying
from order_service.infra.retry import StoppedError
from order_service.infra.signals import set_on_stop_signals
from tests.backends import Environ, process_environ, process_of
from tests.builders import ROOT

_STOP_S = 20.0


def main(schema: str) -> None:
    """Relay until SIGTERM."""
    with process_of(os.environ) as process:
        set_on_stop_signals(process.stopping)
        with contextlib.suppress(StoppedError):
            Relaying(process, schema, ()).run()


class RelayProcess:
    """A running relay."""

    def __init__(self, environ: Mapping[str, str], schema: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.relay_process", schema],
            cwd=ROOT,
            env=process_environ(environ),
        )

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(_STOP_S)

    def freeze(self) -> None:
        """Stop all its threads where they are."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """End it with SIGTERM; exit code."""
        self._process.terminate()
        return self._process.wait(_STOP_S)


@contextlib.contextmanager
def relaying(environ: Environ, schema: str, count: int = 1) -> Iterator[list[RelayProcess]]:
    """So many relays for the length of the block."""
    relays = [RelayProcess(environ, schema) for _ in range(count)]
    try:
        yield relays
    finally:
        for relay in relays:
            relay.kill()


if __name__ == "__main__":
    main(sys.argv[1])
