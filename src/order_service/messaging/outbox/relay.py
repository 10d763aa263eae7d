"""Publishes what is in an outbox, in the order of each key.

Why a message can neither be lost nor overtaken:

* A message is deleted after its acknowledgement, and read again until then.
* Messages are read from what is pending, never from behind the last one: an id that is committed
  later than a higher one is still found.
* A shard is worked on under a lease, and a key has one shard. Of a key, messages go out in order of
  id; behind one that may be refused none goes out before its answer.
* A relay that was frozen, or cut off, loses its lease. All that it may still let out are messages
  of the batch it was publishing: its successor, who read them as pending, publishes these, too,
  and in the same order. So on the wire the *first* copies of a key's messages are always in order.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.retry import Retrying

from .ports import OutboxLease, PendingMessage, RelayObserver, Topics

_log = structlog.get_logger(__name__)

_BATCH_MESSAGES = 500
_BATCH_BYTES = 4 * 1024 * 1024

_SURELY_ADMITTED = 16 * 1024
"""Bytes of a message that every topic takes, and that goes into one batch of the client."""

_SHARE_EVERY = 1.0
_MEASURE_EVERY = 5.0


class Pauses(NamedTuple):
    """Seconds between two looks at an outbox that is empty.

    Attributes:
        first: After the last message; doubles with each look in vain.
        longest: While messages came lately.
        idle: When none came for `lately` seconds.
        lately: See `longest`.
    """

    first: float = 0.005
    longest: float = 0.04
    idle: float = 0.1
    lately: float = 5.0

    def after(self, looks: int, quiet: float) -> float:
        """Return the pause after `looks` looks in vain and `quiet` seconds without a message."""
        if quiet > self.lately:
            return self.idle
        return min(self.longest, self.first * 2.0 ** min(looks - 1, 10))


class Retries(NamedTuple):
    """How often is tried what may be away.

    Attributes:
        postgres: Repeats an UnavailableError.
        kafka: Repeats a TopicsUnavailableError.
    """

    postgres: Retrying
    kafka: Retrying


class Relay:
    """Moves messages from one outbox to their topics.

    Args:
        open_lease: Opens a lease that holds no shard yet. Raises UnavailableError.
        topics: Where messages go.
        retries: For both.
        observer: Told what happened.
        stopping: Ends it.
        pauses: Between looks at an empty outbox.
        clock: Monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - one argument a collaborator
        self,
        open_lease: Callable[[], OutboxLease],
        topics: Topics,
        retries: Retries,
        observer: RelayObserver,
        stopping: threading.Event,
        *,
        pauses: Pauses = Pauses(),  # noqa: B008 - immutable
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_lease = open_lease
        self._topics = topics
        self._retries = retries
        self._observer = observer
        self._stopping = stopping
        self._pauses = pauses
        self._clock = clock

    def run(self) -> None:
        """Relay until `stopping` is set.

        Raises:
            StoppedError: It was set while a backend was away.
        """
        while not self._stopping.is_set():
            lease = self._retries.postgres.call(self._open_and_share)
            try:
                self._serve(lease)
            except UnavailableError as error:
                _log.warning("the lease of the outbox has ended", error=str(error))
            finally:
                self._topics.close()
                lease.close()
                self._observer.holds(0)

    def _open_and_share(self) -> OutboxLease:
        """Return a lease that works: one that ends at once must count as a failure."""
        lease = self._open_lease()
        try:
            self._observer.holds(len(lease.share()))
        except BaseException:
            lease.close()
            raise
        return lease

    def _serve(self, lease: OutboxLease) -> None:
        turns = _Turns(self._pauses, self._clock)
        while not self._stopping.is_set():
            if turns.sharing.due():
                self._observer.holds(len(lease.share()))
            if turns.measuring.due():
                self._observer.measured(lease.measure())
            began = self._clock()
            messages = self.relay_batch(lease)
            turns.looked(messages, self._clock() - began)
            if pause := turns.pause():
                self._stopping.wait(pause)

    def relay_batch(self, lease: OutboxLease) -> int:
        """Publish and delete the first messages that wait; return how many there were.

        Raises:
            UnavailableError: The lease has ended.
            StoppedError: The process is stopping.
        """
        messages = lease.pending(_BATCH_MESSAGES, _BATCH_BYTES)
        if messages:
            together, apart = _split(messages)
            refused = _Refused()
            if together:
                self._publish(lease, together, refused)
            for message in apart:
                if not refused.holds_up(message):
                    self._publish(lease, [message], refused)
        return len(messages)

    def _publish(
        self, lease: OutboxLease, messages: Sequence[PendingMessage], refused: "_Refused"
    ) -> None:
        """Publish `messages`, delete what is acknowledged and block what is refused."""

        def attempt() -> "dict[int, str]":
            lease.confirm()
            return dict(self._topics.publish(messages))

        errors = self._retries.kafka.call(attempt)
        acknowledged = [message.id for message in messages if message.id not in errors]
        if acknowledged:
            lease.sent(acknowledged)
            self._observer.published(len(acknowledged))
        if errors:
            heads = refused.add([message for message in messages if message.id in errors])
            self._block(lease, heads, errors)

    def _block(
        self, lease: OutboxLease, heads: Sequence[PendingMessage], errors: "dict[int, str]"
    ) -> None:
        for error in {errors[message.id] for message in heads}:
            alike = [message for message in heads if errors[message.id] == error]
            lease.block([message.id for message in alike], error)
            _log.error(
                "a topic refuses messages, their keys wait",
                messages=len(alike),
                first=alike[0].id,
                topic=alike[0].topic,
                error=error,
            )
        self._observer.refused(len(heads))


def _split(
    messages: Sequence[PendingMessage],
) -> tuple[list[PendingMessage], list[PendingMessage]]:
    """Return what may be published together, and what one by one afterwards.

    A message that may be refused goes by itself, and what is behind it waits for another batch.
    """
    together, apart = [], []
    closed: set[tuple[str, bytes]] = set()
    for message in messages:
        key = (message.topic, message.key)
        if key in closed:
            continue
        if message.attempts or message.size > _SURELY_ADMITTED:
            closed.add(key)
            apart.append(message)
        else:
            together.append(message)
    return together, apart


class _Refused:
    """What was refused within one batch."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, bytes]] = set()

    def add(self, messages: Sequence[PendingMessage]) -> list[PendingMessage]:
        """Note refused messages; return the first of each key: the others wait behind it."""
        heads = []
        for message in messages:
            if not self.holds_up(message):
                self._keys.add((message.topic, message.key))
                heads.append(message)
        return heads

    def holds_up(self, message: PendingMessage) -> bool:
        """Return whether an earlier message of the same key was refused."""
        return (message.topic, message.key) in self._keys


class _Turns:
    """When what is due, while a lease lives."""

    def __init__(self, pauses: Pauses, clock: Callable[[], float]) -> None:
        self._pauses = pauses
        self._clock = clock
        self._busy = clock()
        self._looks = 0
        self._took = 0.0
        self.sharing = _Every(_SHARE_EVERY, clock)
        self.measuring = _Every(_MEASURE_EVERY, clock)

    def looked(self, messages: int, seconds: float) -> None:
        """A look of so many seconds found so many messages."""
        self._looks = 0 if messages else self._looks + 1
        self._took = seconds
        if messages:
            self._busy = self._clock()

    def pause(self) -> float:
        """Return the seconds until the next look."""
        if not self._looks:
            return 0.0
        # Long are looks at many messages that all are blocked: the database has other work, too.
        return max(self._took, self._pauses.after(self._looks, self._clock() - self._busy))


class _Every:
    """What is done from time to time."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next = clock()

    def due(self) -> bool:
        """Return whether it is time, and if so, that it has been done."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
