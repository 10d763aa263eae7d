"""Concurrent questions for single keys become calls for many keys, in an event loop.

What `batched_flight` does with threads, for a source that blocks nobody: who comes in one turn of
the loop is asked for together, and who comes while all calls are under way is in the next one.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Generic, Protocol, TypeVar

import structlog

from .batched_flight import LEAST, MOST, Then, fail
from .bulkhead import Bulkhead, FullError

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)

Answers = Mapping[str, V] | Exception | None
"""What a call says of its keys: why they cannot be known, or None if they must be asked for
otherwise. A key that is left out has no answer."""

_log = structlog.get_logger(__name__)


class Source(Protocol[V_co]):
    """Answers calls for many keys, in an event loop."""

    def ready(self) -> bool:
        """Whether it can be asked, now or after the calls that are under way."""

    @property
    def free(self) -> int:
        """How many calls can be begun now."""

    def call(self, keys: Sequence[str], then: Callable[[Answers[V_co]], None]) -> None:
        """Ask for keys; `then` is called once, later, in the loop."""


class LoopFlight(Generic[V]):
    """Answers questions for single keys. Used in one event loop.

    Who asks for a key that is on its way gets the answer to that question.

    Args:
        source: Asked for many keys.
        otherwise: Asks for a key that the source cannot be asked for.
        bulkhead: Whoever waits for the source is inside of it.
    """

    def __init__(
        self, source: Source[V], otherwise: Callable[[str, Then[V]], None], bulkhead: Bulkhead
    ) -> None:
        self._source = source
        self._otherwise = otherwise
        self._bulkhead = bulkhead
        self._gathered: dict[str, list[Then[V]]] = {}
        self._asked: dict[str, list[Then[V]]] = {}
        self._ends_turn = False

    def ask(self, key: str, then: Then[V]) -> None:
        """Ask for one key without waiting for the answer.

        Args:
            key: The key.
            then: Called once, from this call or later, in the loop if the source answers, with
                what returns the answer (None if there is none) or raises why there is none:
                FullError if too many wait and no call comes back.
        """
        if not self._source.ready():
            self._otherwise(key, then)
            return
        try:
            self._bulkhead.enter_now()
        except FullError as error:
            then(partial(fail, error))
            return
        waiting = self._asked.get(key) or self._gathered.get(key)
        if waiting is not None:
            waiting.append(then)
            return
        self._gathered[key] = [then]
        if not self._ends_turn and self._source.free:
            self._ends_turn = True
            asyncio.get_running_loop().call_soon(self._ask_gathered)

    def _ask_gathered(self) -> None:
        """Ask for as much as the source takes now."""
        self._ends_turn = False
        while self._gathered and self._source.ready() and (free := self._source.free):
            self._call(min(MOST, max(LEAST, -(-len(self._gathered) // free))))
        if self._gathered and not (self._asked and self._source.ready()):
            # No call that is under way would be followed by another one.
            gathered, self._gathered = self._gathered, {}
            self._hand_on(gathered)

    def _call(self, share: int) -> None:
        """Ask for so many keys.

        Several calls at a time, and the work between them, keep more cores busy than one.
        """
        keys = list(islice(self._gathered, share))
        for key in keys:
            self._asked[key] = self._gathered.pop(key)
        try:
            self._source.call(keys, partial(self._answered, keys))
        except Exception:  # noqa: BLE001 - it is logged
            _log.exception("a question could not be asked")
            self._hand_on({key: self._asked.pop(key) for key in keys})

    def _answered(self, keys: Sequence[str], answers: Answers[V]) -> None:
        told = {key: self._asked.pop(key) for key in keys}
        self._ask_gathered()  # so that the source works while these are told
        if answers is None:
            self._hand_on(told)
            return
        for key, waiting in told.items():
            answer = (
                partial(fail, answers)
                if isinstance(answers, Exception)
                else partial(answers.get, key)
            )
            for then in waiting:
                self._bulkhead.leave_now()
                self._tell(then, answer)

    def _hand_on(self, unanswered: Mapping[str, list[Then[V]]]) -> None:
        for key, waiting in unanswered.items():
            for then in waiting:
                self._bulkhead.leave_now()
                try:
                    self._otherwise(key, then)
                except Exception as error:  # noqa: BLE001 - whoever waits is told
                    _log.exception("a question could not be asked otherwise")
                    self._tell(then, partial(fail, error))

    def _tell(self, then: Then[V], answer: Callable[[], V | None]) -> None:
        try:
            then(answer)
        except Exception:  # noqa: BLE001 - the others are told all the same
            _log.exception("an answer could not be given")
