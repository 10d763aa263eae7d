"""What `order-service run` shows to a person: the banner, errors, and the children's output.

On a terminal each line of a child is led by its name in its own colour. Anywhere else the children
write to our output themselves, unchanged: their logs are structured and say where they come from.
"""

import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

_COLOURS = {"consumer": "\033[36m", "api": "\033[32m", "demo": "\033[35m"}
_BOLD, _DIM, _YELLOW, _RED, _RESET = "\033[1m", "\033[2m", "\033[33m", "\033[31m", "\033[0m"
_NAME_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a person needs to know about a stack that is ready."""

    url: str
    consumer_metrics_url: str
    data_dir: Path
    seconds: float
    notes: tuple[str, ...]


def _python() -> str:
    """Return the running interpreter as it can be called from the current directory."""
    program, here = Path(sys.executable), Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


class Console:
    """Writes to a terminal or a file; `out` and `err` stay open."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._lock = threading.Lock()
        self.terminal = out.isatty() and err.isatty()

    def welcome(self, welcome: Welcome) -> None:
        """Print where everything is."""
        self._write(self._out, "\n".join(["", *self._lines(welcome), "", ""]))

    def error(self, message: str) -> None:
        """Print why the command cannot go on."""
        text = f"{_RED}error:{_RESET} {message}" if self.terminal else f"error: {message}"
        self._write(self._err, f"{text}\n")

    def say(self, message: str) -> None:
        """Print what a person who waits may want to know."""
        self._write(self._err, f"{message}\n")

    def relay(self, name: str, pipe: IO[bytes]) -> threading.Thread:
        """Return a thread that copies a child's lines to the terminal until its output ends."""
        copy = threading.Thread(target=self._copy, args=(name, pipe), daemon=True)
        copy.start()
        return copy

    def _copy(self, name: str, pipe: IO[bytes]) -> None:
        colour = _COLOURS.get(name, _DIM)
        prefix = f"{colour}{name:<{_NAME_WIDTH}}{_RESET} "
        # The pipe is closed under us when the child is stopped.
        with suppress(OSError, ValueError):
            for line in pipe:
                self._write(self._out, f"{prefix}{line.decode('utf-8', 'replace').rstrip()}\n")

    def _write(self, to: TextIO, text: str) -> None:
        # A reader that went away must not stop the stack.
        with self._lock, suppress(OSError, ValueError):
            to.write(text)
            to.flush()

    def _lines(self, welcome: Welcome) -> Iterable[str]:
        yield self._style(_BOLD, f"  The Order Service is ready ({welcome.seconds:.1f} s).")
        yield ""
        yield f"  Page      {welcome.url}/"
        yield f"  API       {welcome.url}/swagger/"
        yield f"  Health    {welcome.url}/health/ready"
        yield f"  Metrics   {welcome.url}/metrics"
        if welcome.consumer_metrics_url:
            yield f"            {welcome.consumer_metrics_url}/metrics (consumer)"
        yield f"  Data      {welcome.data_dir} (addresses in stack.env)"
        yield ""
        yield f"  Send orders from another terminal: {_python()} -m producer --count 10"
        yield "  Stop with Ctrl-C."
        for note in welcome.notes:
            yield ""
            yield self._style(_YELLOW, f"  {note}")

    def _style(self, code: str, text: str) -> str:
        return f"{code}{text}{_RESET}" if self.terminal else text
