"""The shared cache, asked in an event loop; see `redis_cache` for what is in it.

It knows values and times that ran out. Whatever else happens, such as garbage or a connection that
was closed, is left to :class:`redis_cache.RedisCache`, which has the patience and the remedies.
"""

from collections.abc import Callable
from functools import partial

from redis import TimeoutError as RedisTimeoutError

from order_service.infra.redis.loop_reads import LoopReads

from .ports import NOT_TOLD, Entry, NotTold
from .redis_cache import PREFIX, RedisCache


class RedisQuickly:
    """Implements :class:`ports.QuickCache`.

    Args:
        reads: Asks the server.
        cache: Understands the answers, and knows whether the server is well.
    """

    def __init__(self, reads: LoopReads, cache: RedisCache) -> None:
        self._reads = reads
        self._cache = cache

    def ask(self, uid: str, then: Callable[[Entry | NotTold | None], None]) -> bool:
        """See :meth:`ports.QuickCache.ask`."""
        if not (self._cache.well and self._reads.ready()):
            return False
        self._reads.ask(PREFIX + uid, partial(self._tell, then))
        return True

    def _tell(self, then: Callable[[Entry | NotTold | None], None], value: object) -> None:
        if value is None:
            then(None)
        elif isinstance(value, bytes):
            entry = self._cache.parsed(value)
            then(NOT_TOLD if entry is None else entry)
        elif isinstance(value, RedisTimeoutError):
            if self._cache.well:  # the first of those who waited together
                self._cache.failed(value)
            then(None)
        else:
            then(NOT_TOLD)
