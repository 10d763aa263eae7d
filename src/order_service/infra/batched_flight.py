"""Concurrent calls for single keys are answered by calls for many keys.

Whoever comes first asks at once, for their key alone: no timer delays a lone caller. Those who come
meanwhile gather. When the answer is there, the first of them asks for all of them, while the next
ones gather. So the busier it is, the more keys share a round trip.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, NoReturn, TypeVar

from .bulkhead import Bulkhead, FullError

V = TypeVar("V")

Then = Callable[[Callable[[], V | None]], None]
"""Told the answer by what returns or raises it."""

MOST = 32
"""Keys of one call: all its answers are in memory at the same time."""


LEAST = 8
"""Keys of a call below which it is not worth to make two of it."""


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
        handed: Whether a thread of the flight's own asks.
        then: Those who are told when there is an answer, with their keys.
    """

    __slots__ = ("answered", "answers", "counted", "error", "handed", "keys", "then", "turn")

    def __init__(self, *, counted: bool) -> None:
        self.keys: dict[str, None] = {}
        self.turn = threading.Lock()
        self.answered = threading.Lock()
        self.answered.acquire()
        self.answers: Mapping[str, V] = {}
        self.error: Exception | None = None
        self.counted = counted
        self.handed = False
        self.then: list[tuple[str, Then[V]]] = []

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
        self._handed: queue.SimpleQueue[_Batch[V]] = queue.SimpleQueue()
        self._leaders = leaders
        self._helpers = 0

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

    def ask(self, key: str, then: Then[V]) -> None:
        """Ask for one key without waiting for the answer.

        Those who ask in one turn of an event loop ask together, and so do those who were told the
        answers of one call. Nobody else may call this.

        Args:
            key: The key.
            then: Called once, from this call or from another thread, with what returns or raises
                what `get` does.
        """
        if self._bulkhead is not None:
            try:
                self._bulkhead.enter_now()
            except FullError as error:
                then(partial(fail, error))
                return
        asked = _turn.asked
        if not asked and not _turn.telling:
            asyncio.get_running_loop().call_soon(_end_turn)
        asked.setdefault(self, []).append((key, then))

    def ask_together(self, asked: Sequence[tuple[str, Then[V]]]) -> None:
        """Ask for several keys without waiting for the answers; see `ask`."""
        with self._lock:
            share = self._share(len(asked))
            for key, then in asked:
                batch, leads = self._join(key, alone=False)
                batch.then.append((key, then))
                if leads:
                    batch.handed = True
                    if batch not in self._queue:
                        self._gathering = batch  # for the others; whoever leads ends it
                        self._hand(batch)
                if len(batch.keys) >= share and batch is self._gathering:
                    self._gathering = None

    def _share(self, keys: int) -> int:
        """Return of how many keys a call is when so many are asked for together.

        Several calls at a time, and the work between them, keep more cores busy than one.
        """
        if self._free < 2:  # noqa: PLR2004 - there is nothing to share
            return MOST
        return min(MOST, max(LEAST, -(-keys // self._free)))

    def _hand(self, batch: _Batch[V]) -> None:
        """Have a thread of the flight's own ask for a batch whose turn it is."""
        if self._helpers < self._leaders:
            self._helpers += 1
            threading.Thread(target=self._help, name="flight", daemon=True).start()
        self._handed.put(batch)

    def _help(self) -> None:
        while True:
            batch = self._handed.get()
            # Whoever asked is told of any error; this thread lives on for the next ones.
            with suppress(BaseException):
                self._lead(batch)
            del batch

    def _get(self, key: str) -> V | None:
        with self._lock:
            batch, leads = self._join(key, alone=self._alone())
        if leads:
            self._lead(batch)
        else:
            with batch.answered:
                pass
        return batch.answer(key)

    def _join(self, key: str, *, alone: bool) -> tuple[_Batch[V], bool]:
        """Return the batch in which `key` is asked for, and whether the caller has to ask."""
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
            self._tell(batch)

    def _tell(self, batch: _Batch[V]) -> None:
        """Tell those who did not wait, and ask for what they want to know then."""
        if not batch.then:
            return
        _turn.telling = True
        try:
            for key, then in batch.then:
                if self._bulkhead is not None:
                    self._bulkhead.leave_now()
                then(partial(batch.answer, key))
        finally:
            _turn.telling = False
            _end_turn()

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
            following = self._queue.popleft()
            following.turn.release()
            if following.handed:
                self._hand(following)
        elif batch.counted:
            self._free += 1


class _Turn(threading.local):
    """What is asked for in one turn of this thread.

    Attributes:
        asked: By whom it is to be asked.
        telling: Whether callers are told answers, whose questions wait until all are told.
    """

    def __init__(self) -> None:
        self.asked: dict[BatchedFlight[Any], list[tuple[str, Then[Any]]]] = {}
        self.telling = False


_turn = _Turn()


def _end_turn() -> None:
    """Ask for all that was asked for in this turn."""
    asked, _turn.asked = _turn.asked, {}
    for flight, calls in asked.items():
        flight.ask_together(calls)


def fail(error: Exception) -> NoReturn:
    """Raise an error, for whoever is told by what raises it."""
    raise error
