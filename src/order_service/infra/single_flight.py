"""Concurrent calls for the same key share one execution.

Without it a popular key that expires sends every waiting client to the database at once.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from .bulkhead import Bulkhead

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """Runs one call a key at a time; callers that come meanwhile get its result.

    Args:
        most_waiting: Callers that may wait for the results of others once these stall.
    """

    def __init__(self, most_waiting: int = 3) -> None:
        self._waiting = Bulkhead(most_waiting)
        self._lock = threading.Lock()
        self._flights: dict[str, Future[V]] = {}

    def run(self, key: str, call: Callable[[], V]) -> V:
        """Return what `call` returns, or raise what it raises, here or in the first caller.

        Raises:
            FullError: Too many wait for the results of others.
        """
        with self._lock:
            flight = self._flights.get(key)
            first = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if first:
            self._fly(key, flight, call)
            return flight.result()
        with self._waiting.entered():
            return flight.result()

    def _fly(self, key: str, flight: "Future[V]", call: Callable[[], V]) -> None:
        try:
            flight.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised by result()
            flight.set_exception(error)
        finally:
            with self._lock:
                del self._flights[key]
