"""What `order-service run` shows to a person: the banner, errors, and the children's output.

On a terminal each line of a child is led by its name in its own colour. Anywhere else the children
write to our output themselves, unchanged. Where that shall be JSON, so is what this says: who reads
such an output is a program, and one that is sent sentences in between would fail on them.
"""

import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from order_service.embedded.workload import Endpoint, ShownLine
from order_service.infra.logging import get_logger

_COLOURS = tuple(f"\033[{code}m" for code in (32, 36, 35, 34, 33, 92, 96, 95, 94, 93))
_BOLD, _YELLOW, _RED, _RESET = "\033[1m", "\033[33m", "\033[31m", "\033[0m"
_LABEL_WIDTH = 9


@dataclass(frozen=True, slots=True)
class Banner:
    """What a person needs to know about a stack that is ready.

    Attributes:
        endpoints: of the services that serve HTTP, with their names.
        data_dir: where data and addresses are.
        seconds: that the start took.
        hints: what to do next, a line each.
        notes: what to beware of.
        shown: what there is to see beside the endpoints.
    """

    endpoints: Sequence[tuple[str, Endpoint]]
    data_dir: Path
    seconds: float
    hints: Sequence[str] = ()
    notes: Sequence[str] = ()
    shown: Sequence[ShownLine] = ()


def python_command() -> str:
    """Return the running interpreter as it can be called from the current directory."""
    program, here = Path(sys.executable), Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


class Console:
    """Writes to a terminal or a file; `out` and `err` stay open.

    `children` are the names of those whose lines are relayed: each has a colour by its place.
    With `structured`, all goes into the log of this process instead.
    """

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        children: Sequence[str] = (),
        *,
        structured: bool = False,
    ) -> None:
        self._out = out
        self._err = err
        self._lock = threading.Lock()
        self._width = max(map(len, children), default=0)
        self._colours = {
            name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(children)
        }
        self.terminal = out.isatty() and err.isatty()
        self._log = get_logger(__name__) if structured else None

    def ready(self, banner: Banner) -> None:
        """Print where everything is."""
        if self._log is not None:
            self._log.info("The Order Service is ready", **_fields(banner))
            return
        self._write(self._out, "\n".join(["", *self._lines(banner), "", ""]))

    def error(self, message: str) -> None:
        """Print why the command cannot go on."""
        if self._log is not None:
            self._log.error(message)
            return
        self._write(self._err, f"{self._style(_RED, 'error:')} {message}\n")

    def say(self, message: str) -> None:
        """Print what a person who waits may want to know."""
        if self._log is not None:
            self._log.info(message)
            return
        self._write(self._err, f"{message}\n")

    def relay(self, name: str, pipe: IO[bytes]) -> threading.Thread:
        """Return a thread that copies a child's lines to the terminal until its output ends."""
        copy = threading.Thread(target=self._copy, args=(name, pipe), daemon=True)
        copy.start()
        return copy

    def _copy(self, name: str, pipe: IO[bytes]) -> None:
        colour = self._colours.get(name, _BOLD)
        prefix = f"{colour}{name:<{self._width}}{_RESET} "
        # The pipe is closed under us when the child is stopped.
        with suppress(OSError, ValueError):
            for line in pipe:
                self._write(self._out, f"{prefix}{line.decode('utf-8', 'replace').rstrip()}\n")

    def _write(self, to: TextIO, text: str) -> None:
        # A reader that went away must not stop the stack.
        with self._lock, suppress(OSError, ValueError):
            to.write(text)
            to.flush()

    def _lines(self, banner: Banner) -> Iterable[str]:
        yield self._style(_BOLD, f"  The Order Service is ready ({banner.seconds:.1f} s).")
        yield ""
        yield from _page_lines(banner.endpoints)
        yield f"  {'Data':<{_LABEL_WIDTH}} {banner.data_dir} (addresses in stack.env)"
        yield from (f"  {label:<{_LABEL_WIDTH}} {text}" for label, text in banner.shown)
        yield ""
        yield from (f"  {hint}" for hint in banner.hints)
        yield "  Stop with Ctrl-C."
        for note in banner.notes:
            yield ""
            yield self._style(_YELLOW, f"  {note}")

    def _style(self, code: str, text: str) -> str:
        return f"{code}{text}{_RESET}" if self.terminal else text


def _fields(banner: Banner) -> dict[str, object]:
    """Return what a program may want to know of a banner."""
    return {
        "seconds": round(banner.seconds, 1),
        "data_dir": str(banner.data_dir),
        "pages": [
            f"{endpoint.url}{path}"
            for _, endpoint in banner.endpoints
            for path in endpoint.pages.values()
        ],
        "shown": {label: text for label, text in banner.shown if label},
        "notes": [" ".join(note.split()) for note in banner.notes],
    }


def _page_lines(endpoints: Sequence[tuple[str, Endpoint]]) -> Iterable[str]:
    """Yield the pages; those under a label that stood before say whose they are instead."""
    shown: set[str] = set()
    for name, endpoint in endpoints:
        for label, path in endpoint.pages.items():
            repeated = label in shown
            shown.add(label)
            lead, whose = ("", f" ({name})") if repeated else (label, "")
            yield f"  {lead:<{_LABEL_WIDTH}} {endpoint.url}{path}{whose}"
