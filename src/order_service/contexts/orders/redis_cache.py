"""The shared cache on Redis or Valkey: ``order:v1:<uid>`` -> digest and canonical JSON.

An entry is the 32 digits of the digest followed by the body they belong to. Whatever
else stands there (half an entry, another format, somebody's key) fails the comparison
and counts as a miss. No call raises: a fault of the cache opens a circuit for a moment
and the caller goes on without it.
"""

import random
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import structlog
from redis import RedisError, ResponseError

from order_service.infra.circuit import CircuitBreaker
from order_service.infra.redis.client import CacheClient, NodesAwayError
from order_service.infra.redis.commands import CacheEntry

from .model import Document, digest
from .ports import ABSENT, Absent

_log = structlog.get_logger(__name__)

PREFIX: Final = "order:v1:"
_DIGITS: Final = 32
_ABSENT: Final = b"absent"

T = TypeVar("T")


class Lifetimes(NamedTuple):
    """How long entries live, in seconds.

    Attributes:
        ttl: An order.
        jitter: Share of `ttl` by which lifetimes vary, so that entries that were made
            together do not expire together.
        negative_ttl: The memory that a uid is unknown.
    """

    ttl: float
    jitter: float
    negative_ttl: float


class RedisCache:
    """Implements :class:`ports.OrderCache`; thread-safe.

    Args:
        client: A client with short timeouts and without retries.
        lifetimes: How long entries live.
        circuit: Opened when the server cannot be reached.
        on_failure: Called for every call that failed, for metrics.
        uniform: Source of jitter.
    """

    MAX_STALE = 100_000
    """Most uids whose entries could not be set and are to be deleted when Redis is back."""

    def __init__(
        self,
        client: CacheClient,
        lifetimes: Lifetimes,
        circuit: CircuitBreaker,
        on_failure: Callable[[], object] = lambda: None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._client = client
        self._lifetimes = lifetimes
        self._circuit = circuit
        self._on_failure = on_failure
        self._uniform = uniform
        self._stale: dict[str, None] = {}
        self._stale_lock = threading.Lock()

    def get(self, uid: str) -> Document | Absent | None:
        """See :meth:`ports.OrderCache.get`."""
        return self.get_many([uid]).get(uid)

    def get_many(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        """See :meth:`ports.OrderCache.get_many`."""
        keys = [PREFIX + uid for uid in uids]
        found: dict[str, Document | Absent] = {}
        garbage: list[str] = []
        nothing: Sequence[bytes | RedisError | None] = ()
        values = self._forgiving(lambda: self._client.get_many(keys), nothing)
        for uid, value in zip(uids, values, strict=False):
            if value is None:
                continue
            entry = self.parsed(value)
            if entry is not None:
                found[uid] = entry
            elif not isinstance(value, NodesAwayError):
                garbage.append(uid)
        if garbage:
            self._delete(garbage)  # or no reader could ever fill them
        return found

    @property
    def well(self) -> bool:
        """Whether the server is believed to answer."""
        return self._circuit.closed

    def parsed(self, value: bytes | RedisError) -> Document | Absent | None:
        """Return what an answer to GET means, None if it means nothing."""
        if isinstance(value, RedisError):  # a value of another type, or nobody knows
            self._on_failure()
            return None
        if value == _ABSENT:
            return ABSENT
        body = value[_DIGITS:]
        if value[:_DIGITS] == (expected := digest(body)).encode() and body:
            return Document(expected, body)
        return None

    def fill_found(self, found: Mapping[str, Document | Absent]) -> None:
        """See :meth:`ports.OrderCache.fill_found`.

        Entries are set where there are none: a reader that was slow must not undo ingest.
        """
        entries = [self.entry(uid, document) for uid, document in found.items()]
        self._forgiving(lambda: self._client.set_new(*entries), None)

    def entry(self, uid: str, document: Document | Absent) -> CacheEntry:
        """Return how an order is kept, or that there is none."""
        if isinstance(document, Absent):
            lifetime = round(self._lifetimes.negative_ttl * 1000)
            return CacheEntry(PREFIX + uid, _ABSENT, lifetime)
        return CacheEntry(PREFIX + uid, document.digest.encode() + document.body, self._ttl())

    def fill_many(self, documents: Collection[tuple[str, Document]]) -> bool:
        """See :meth:`ports.OrderCache.fill_many`."""
        return not self._set_many(documents, only_new=True)

    def put_many(self, documents: Collection[tuple[str, Document]]) -> None:
        """See :meth:`ports.OrderCache.put_many`.

        An entry that cannot be set may hold the order's older content, and Redis may be
        back before it expires: `drop_stale` deletes it then.
        """
        self._remember_stale(self._set_many(documents, only_new=False))
        self.drop_stale()

    def forget_many(self, uids: Collection[str]) -> None:
        """See :meth:`ports.OrderCache.forget_many`."""
        self._remember_stale(self._delete(uids))

    def drop_stale(self) -> None:
        """Delete the entries that could not be set, if Redis is back."""
        if self._stale:
            with self._stale_lock:
                uids = list(self._stale)
            left = frozenset(self._delete(uids))
            with self._stale_lock:
                for uid in uids:
                    if uid not in left:
                        self._stale.pop(uid, None)

    def _remember_stale(self, uids: Iterable[str]) -> None:
        with self._stale_lock:
            self._stale.update(dict.fromkeys(uids))
            # Past the bound the oldest are left to their lifetime.
            while len(self._stale) > self.MAX_STALE:
                del self._stale[next(iter(self._stale))]

    def _set_many(
        self, documents: Collection[tuple[str, Document]], *, only_new: bool
    ) -> Collection[str]:
        """Set many entries in one round trip; return the uids of those that were not taken."""
        entries = [self.entry(uid, document) for uid, document in documents]
        return self._undone(
            lambda: self._client.set_many(entries, only_new=only_new),
            [uid for uid, _ in documents],
        )

    def _delete(self, uids: Collection[str]) -> Collection[str]:
        """Delete entries; return the uids of those that may still be there."""
        keys = [PREFIX + uid for uid in uids]
        return self._undone(lambda: self._unlinked(keys), uids)

    def _unlinked(self, keys: Collection[str]) -> bool:
        self._client.unlink(*keys)
        return True

    def _undone(self, call: Callable[[], bool], uids: Collection[str]) -> Collection[str]:
        """Make a call about `uids`, if any; return those for which it did nothing."""
        if not uids:
            return ()
        try:
            return () if self._attempt(call, default=False) else uids
        except NodesAwayError as error:
            return [key.removeprefix(PREFIX) for key in error.keys]
        except ResponseError:  # full, read-only, ...: it answers, so keep asking
            return uids

    def _ttl(self) -> int:
        """Return an order's lifetime in milliseconds."""
        ttl, jitter, _ = self._lifetimes
        return round(ttl * (1 + self._uniform(-jitter, jitter)) * 1000)

    def _forgiving(self, call: Callable[[], T], default: T) -> T:
        """Return what `call` returns, `default` whenever the server refuses or is away."""
        try:
            return self._attempt(call, default)
        except (ResponseError, NodesAwayError):
            return default

    def _attempt(self, call: Callable[[], T], default: T) -> T:
        """Like `_forgiving`, but lets through what is no reason to leave all of Redis alone."""
        if not self._circuit.allows():
            return default
        try:
            result = call()
        except (ResponseError, NodesAwayError):
            self._on_failure()
            raise
        except (RedisError, OSError) as error:
            self.failed(error)
            return default
        if not self._circuit.closed:
            _log.info("Redis answers again")
            self._circuit.succeeded()
        return result

    def failed(self, error: Exception) -> None:
        """Open the circuit, and say why when it was closed: one line an outage."""
        if self._circuit.closed:
            _log.warning("Redis is left alone until it answers", error=str(error))
        self._circuit.failed()
        self._on_failure()
