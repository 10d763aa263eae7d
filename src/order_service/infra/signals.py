"""Signals, heard at once whatever the threads of the process do.

Python's own handlers run in the main thread, between two of its instructions. Two things follow.
The system may give a signal to any thread, and does give it to one that is running: a main thread
that waits for something is not woken up then, and runs its handler when it has waited for that. And
a handler must not take a lock that the main thread may hold at the moment, as that of the event
which it waits for: it would wait for itself for ever. So nothing is done in handlers here. The
interpreter writes the number of a signal into a pipe in the very moment in which it comes, in
whichever thread (`signal.set_wakeup_fd`), and whoever cares reads it from there.
"""

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def set_on_stop_signals(event: threading.Event) -> None:
    """Set the event at SIGTERM and SIGINT, from now on; must be called in the main thread."""
    reading, _ = _open(STOP_SIGNALS)
    _start_reading(reading, STOP_SIGNALS, lambda _: event.set())


@contextmanager
def signals_told(
    numbers: Collection[signal.Signals], tell: Callable[[signal.Signals], object]
) -> Iterator[None]:
    """Have `tell` called with each signal, in a thread of its own, for the length of the block.

    Must be entered in the main thread.
    """
    reading, close = _open(numbers)
    thread = _start_reading(reading, numbers, tell)
    try:
        yield
    finally:
        close()
        thread.join()
        os.close(reading)


@contextmanager
def signals_readable(numbers: Collection[signal.Signals]) -> Iterator[int]:
    """Yield a file descriptor from which something can be read once one of the signals has come.

    Must be entered in the main thread, and starts no other one.
    """
    reading, close = _open(numbers)
    try:
        yield reading
    finally:
        close()
        os.close(reading)


@contextmanager
def signals_held(numbers: Collection[signal.Signals]) -> Iterator[None]:
    """Hold signals back for the length of the block, and from processes that are forked in it.

    Such a process shares the pipe of this one: what came for it would be taken for ours. It must
    begin with :func:`ignore_signals`.
    """
    held = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def ignore_signals(numbers: Collection[signal.Signals]) -> None:
    """Ignore signals from now on, those that are held back included."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)


def _open(numbers: Collection[signal.Signals]) -> tuple[int, Callable[[], None]]:
    """Return where the signals can be read, and what puts everything back but that."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, _do_nothing) for number in numbers}

    def close() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(writing)

    return reading, close


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal: without a handler the interpreter does not write it."""


def _start_reading(
    reading: int,
    numbers: Collection[signal.Signals],
    tell: Callable[[signal.Signals], object],
) -> threading.Thread:
    """Tell of what can be read until nobody writes any more."""

    def read() -> None:
        while told := os.read(reading, 256):
            for number in told:
                if number in numbers:
                    tell(signal.Signals(number))

    thread = threading.Thread(target=read, name="signals", daemon=True)
    thread.start()
    return thread
