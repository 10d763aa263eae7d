"""Signals that end a process, turned into an event that threads wait for."""

import signal
import threading
from queue import SimpleQueue

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def set_on_stop_signals(event: threading.Event) -> None:
    """Set the event at SIGTERM and SIGINT; must be called in the main thread.

    A handler must not set it itself. Handlers run in the main thread, between any two of its
    instructions, and setting an event takes its lock: where the main thread waits for the same
    event it may hold that lock at the moment, and would wait for itself for ever. Handing
    something to a `SimpleQueue` is reentrant by contract, and a thread does the rest.
    """
    signals: SimpleQueue[int] = SimpleQueue()

    def hand_over() -> None:
        while True:
            signals.get()
            event.set()

    threading.Thread(target=hand_over, name="stop-signals", daemon=True).start()
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda number, _: signals.put(number))
