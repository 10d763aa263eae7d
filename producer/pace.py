"""How fast to send, and when to stop."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from threading import Event, Thread
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


def paced(things: Iterable[T], rate: float, clock: Callable[[], float], stop: Event) -> Iterator[T]:
    """Yield the things at `rate` per second (0: at once) until `stop` is set.

    Time lost by a slow consumer is caught up for one second at most: a gentle rate must not
    turn into a flood after an outage.
    """
    due = clock()
    for thing in things:
        if rate:
            due = max(due + 1 / rate, clock() - 1)
            stop.wait(max(0.0, due - clock()))
        if stop.is_set():
            return
        yield thing


def stop_on_signals(stop: Event) -> None:
    """Let Ctrl-C and SIGTERM set the event; a second one ends the process at once.

    A thread sets it, of which the interpreter writes into a pipe whatever the main thread does:
    that one, in which handlers run, may be asleep, or hold the lock of the event that it waits for.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def hear() -> None:
        os.read(reading, 1)
        stop.set()

    def handle(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)

    Thread(target=hear, name="signals", daemon=True).start()
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
