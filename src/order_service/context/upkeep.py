"""What a process does now and then beside its work, for as long as it runs."""

import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)


def repeat(
    upkeep: Callable[[], object],
    every: float,
    stopping: threading.Event,
    away: type[Exception],
) -> None:
    """Call `upkeep` again and again until `stopping` is set.

    Whatever it raises, the next round comes: without upkeep the work seems well while its tables
    grow and its gauges stand still.

    Args:
        upkeep: Does what is due.
        every: Seconds between two rounds.
        stopping: Set when the process should end.
        away: What `upkeep` raises while a backend cannot be asked, which mends itself.
    """
    while not stopping.is_set():
        try:
            upkeep()
        except away as error:
            _log.warning("upkeep waits for the database", error=str(error))
        except Exception:  # noqa: BLE001 - see above
            _log.exception("a round of upkeep broke")
        stopping.wait(every)


def start_repeating(
    upkeep: Callable[[], object],
    every: float,
    stopping: threading.Event,
    away: type[Exception],
) -> threading.Thread:
    """Do as `repeat` does in the background; the thread ends when `stopping` is set."""
    thread = threading.Thread(
        target=repeat, args=(upkeep, every, stopping, away), name="upkeep", daemon=True
    )
    thread.start()
    return thread
