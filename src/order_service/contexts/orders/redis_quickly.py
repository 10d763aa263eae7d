"""The shared cache, asked in an event loop; see `redis_cache` for what is in it.

It knows values and times that ran out. Whatever else happens, such as garbage or a connection that
was closed, is left to :class:`redis_cache.RedisCache`, which has the patience and the remedies.
"""

from collections.abc import Callable, Mapping
from functools import partial

from redis import TimeoutError as RedisTimeoutError

from order_service.infra.redis.loop_calls import LoopCalls

from .model import Document
from .ports import NOT_TOLD, Absent, Entry, NotTold
from .redis_cache import PREFIX, RedisCache


class RedisQuickly:
    """Implements :class:`ports.QuickCache`.

    Args:
        calls: Asks the server.
        cache: Understands the answers, and knows whether the server is well.
    """

    def __init__(self, calls: LoopCalls, cache: RedisCache) -> None:
        self._calls = calls
        self._cache = cache

    def ask(self, uid: str, then: Callable[[Entry | NotTold | None], None]) -> bool:
        """See :meth:`ports.QuickCache.ask`."""
        if not self._ready():
            return False
        self._calls.ask(PREFIX + uid, partial(self._tell, then))
        return True

    def fill_found(self, found: Mapping[str, Document | Absent]) -> None:
        """See :meth:`ports.QuickCache.fill_found`."""
        if self._ready():
            for uid, order in found.items():
                self._calls.set_new(self._cache.entry(uid, order), self._filled)

    def _ready(self) -> bool:
        return self._cache.well and self._calls.ready()

    def _filled(self, value: object) -> None:
        """Take note of a server that hangs; an entry that was not set is none."""
        if isinstance(value, RedisTimeoutError):
            self._fail(value)

    def _fail(self, error: RedisTimeoutError) -> None:
        if self._cache.well:  # the first of those who waited together
            self._cache.failed(error)

    def _tell(self, then: Callable[[Entry | NotTold | None], None], value: object) -> None:
        if value is None:
            then(None)
        elif isinstance(value, bytes):
            entry = self._cache.parsed(value)
            then(NOT_TOLD if entry is None else entry)
        elif isinstance(value, RedisTimeoutError):
            self._fail(value)
            then(None)
        else:
            then(NOT_TOLD)
