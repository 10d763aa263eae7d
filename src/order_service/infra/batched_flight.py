"""Concurrent calls for single keys are answered by calls for many keys.

Whoever comes first asks at once, for their key alone: no timer delays a lone caller. Those who come
meanwhile gather. When the answer is there, the first of them asks for all of them, while the next
ones gather. So the busier it is, the more keys share a round trip.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from .bulkhead import Bulkhead

V = TypeVar("V")

MOST = 32
"""Keys of one call: all its answers are in memory at the same time."""


class FlightLostError(Exception):
    """The thread that asked for several was ended meanwhile, such as by SystemExit."""


class _Batch(Generic[V]):
    """Keys that are asked for together.

    Attributes:
        keys: In the order in which they came; a dictionary for the sake of those that come twice.
        turn: Held as long as the one who asks must wait for those before.
        answered: Held until there is an answer; each who waited wakes the next.
        error: Raised by the call.
        counted: Whether it takes the place of one of those that may ask at the same time.
    """

    __slots__ = ("answered", "answers", "counted", "error", "keys", "turn")

    def __init__(self, *, counted: bool) -> None:
        self.keys: dict[str, None] = {}
        self.turn = threading.Lock()
        self.answered = threading.Lock()
        self.answered.acquire()
        self.answers: Mapping[str, V] = {}
        self.error: Exception | None = None
        self.counted = counted

    def answer(self, key: str) -> V | None:
        """Return the answer, or raise what the call raised."""
        if self.error is not None:
            raise self.error
        return self.answers.get(key)


class BatchedFlight(Generic[V]):
    """Answers calls for single keys by calls for many. Thread-safe.

    Everybody waits as long as the calls take: the deadlines are theirs. A call that fails fails for
    those whose keys it was about, and the next ones are asked for as if it had not been.

    Args:
        call: Returns the answers for at most `MOST` keys; what it leaves out has none.
        leaders: Calls at the same time.
        shared: Who asks for a key that is on its way gets the answer to that question. Otherwise
            every answer is to a question that was sent after the caller came.
        waiting: Most callers at the same time once the calls stall; None for any number.
        alone: Whether the caller asks for one key, at once and in its own thread. It is so with a
            request that is traced: the spans below its own are those of its own questions.
    """

    def __init__(
        self,
        call: Callable[[Sequence[str]], Mapping[str, V]],
        leaders: int = 1,
        *,
        shared: bool = False,
        waiting: int | None = None,
        alone: Callable[[], bool] = lambda: False,
    ) -> None:
        self._call = call
        self._shared = shared
        self._alone = alone
        self._bulkhead = None if waiting is None else Bulkhead(waiting)
        self._lock = threading.Lock()
        self._free = leaders
        self._queue: deque[_Batch[V]] = deque()
        self._gathering: _Batch[V] | None = None
        self._by_key: dict[str, _Batch[V]] = {}

    def get(self, key: str) -> V | None:
        """Return the answer for one key, None if there is none; blocks for as long as calls take.

        Raises:
            FullError: Too many wait, and nobody's call has come back for a while.
            FlightLostError: The thread that asked for this key as well was ended.
            Exception: Whatever the call raises.
        """
        if self._bulkhead is None:
            return self._get(key)
        with self._bulkhead.entered():
            return self._get(key)

    def _get(self, key: str) -> V | None:
        batch, leads = self._join(key, alone=self._alone())
        if leads:
            self._lead(batch)
        else:
            with batch.answered:
                pass
        return batch.answer(key)

    def _join(self, key: str, *, alone: bool) -> tuple[_Batch[V], bool]:
        """Return the batch in which `key` is asked for, and whether the caller has to ask."""
        with self._lock:
            batch = self._by_key.get(key) or (None if alone else self._gathering)
            leads = batch is None
            if batch is None:
                batch = self._begin(alone=alone)
            batch.keys[key] = None
            if self._shared:
                self._by_key[key] = batch
            if len(batch.keys) >= MOST and batch is self._gathering:
                self._gathering = None
            return batch, leads

    def _begin(self, *, alone: bool) -> _Batch[V]:
        batch: _Batch[V] = _Batch(counted=not alone)
        if alone:
            return batch
        if self._free:
            self._free -= 1
            return batch
        batch.turn.acquire()
        self._queue.append(batch)
        self._gathering = batch
        return batch

    def _lead(self, batch: _Batch[V]) -> None:
        """Ask when it is the batch's turn.

        Whatever comes of it, those who wait for the batch are woken, and the next ones go.
        """
        try:
            batch.turn.acquire()
            with self._lock:
                if self._gathering is batch:
                    self._gathering = None
            batch.answers = self._call(list(batch.keys))
        except Exception as error:  # noqa: BLE001 - it is raised by `answer`
            batch.error = error
        except BaseException as error:
            batch.error = FlightLostError(type(error).__name__)
            raise
        finally:
            with self._lock:
                self._forget(batch)
                self._pass_on(batch)
            batch.answered.release()

    def _forget(self, batch: _Batch[V]) -> None:
        if self._gathering is batch:
            self._gathering = None
        if self._shared:
            for key in batch.keys:
                del self._by_key[key]

    def _pass_on(self, batch: _Batch[V]) -> None:
        """Let the next batch go in the place of this one, if it had one."""
        if batch in self._queue:  # it never had its turn
            self._queue.remove(batch)
        elif self._queue and batch.counted:
            self._queue.popleft().turn.release()
        elif batch.counted:
            self._free += 1
