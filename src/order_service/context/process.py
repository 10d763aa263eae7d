"""One process of the service, and what it lends to the contexts in it."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Self

from order_service.config import Config, RetrySettings
from order_service.http.access import Scope
from order_service.infra.circuit import CircuitBreaker
from order_service.infra.postgres.database import Database, Isolation
from order_service.infra.redis.client import CacheClient
from order_service.infra.retry import Policy, Retry
from order_service.metrics import BackendMetrics, CacheMetrics, Registry, process_registry

from . import backends
from .tracing import open_tracer, traced_cache, traced_queries

if TYPE_CHECKING:
    from order_service.infra.tracing.otlp import Tracer

_NO_SCOPES: Mapping[str, Scope] = {}

_THREAD_GRACE = 2.0
"""Seconds that a thread in the background gets to end before its connections are closed."""

_CIRCUIT_OPEN = 1.0
"""Seconds for which Redis is left alone after a failure."""


class Process:
    """What all that runs in one process shares. Make it after any fork, and close it.

    Args:
        config: All settings.
        registry: Where metrics are registered; a new one unless it is given.
        scopes: What a credential may admit to in this program.

    Attributes:
        stopping: Set when the process should end.
    """

    def __init__(
        self,
        config: Config,
        registry: Registry | None = None,
        scopes: Mapping[str, Scope] = _NO_SCOPES,
    ) -> None:
        self.config = config
        self.scopes = scopes
        self.registry = registry or process_registry()
        self.stopping = threading.Event()
        self._resources = contextlib.ExitStack()
        self._threads: list[threading.Thread] = []
        self._last: list[Callable[[], object]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what runs in the background, then close all that was opened, the last one first.

        Blocks for seconds at most. A call after the first does nothing.
        """
        self.stopping.set()
        while self._threads:
            self._threads.pop().join(_THREAD_GRACE)
        self._resources.close()

    def closes(self, close: Callable[[], object]) -> None:
        """Have something closed with the process."""
        self._resources.callback(close)

    def ends(self, thread: threading.Thread) -> None:
        """Wait for a thread that ends when `stopping` is set, before anything is closed."""
        self._threads.append(thread)

    def last(self, work: Callable[[], object]) -> None:
        """Have something done that waits for a backend, when all else is made.

        By then there is a connection, which is made in the background.
        """
        self._last.append(work)

    def begin(self) -> None:
        """Do what was left for the end; whoever has made the process calls it."""
        while self._last:
            self._last.pop(0)()

    @cached_property
    def metrics(self) -> BackendMetrics:
        """Queries and retries."""
        return BackendMetrics(self.registry)

    @cached_property
    def tracer(self) -> "Tracer | None":
        """What records traces, None if they are off."""
        tracer = open_tracer(self.config.tracing)
        if tracer is not None:
            self.closes(tracer.close)
        return tracer

    def database(self, size: int, isolation: Isolation = "read committed") -> Database:
        """Return a pool of at most `size` connections to the primary, as the service's role."""
        return self._open(backends.primary(self.config, size, isolation=isolation))

    def admin_database(self) -> Database:
        """Return one connection to the primary, opened when needed, as the role that migrates."""
        return self._open(backends.primary(self.config, 1, admin=True))

    def replica(self, size: int) -> Database:
        """Return a pool to the replica; it has less time, as the primary comes after it."""
        return self._open(backends.replica(self.config, size))

    def _open(self, target: backends.DatabaseTarget) -> Database:
        observer = traced_queries(self.config.tracing, self.metrics, target.host)
        database = Database(target.settings, observer)
        database.open()
        return self._resources.enter_context(closing(database))

    def cache_client(self) -> CacheClient:
        """Return a client of Redis; connects on first use."""
        client = traced_cache(self.config.tracing, backends.connect_redis(self.config.redis))
        return self._resources.enter_context(closing(client))

    def cache_circuit(self) -> tuple[CircuitBreaker, CacheMetrics]:
        """Return what keeps a cache from being asked after a failure, and what counts these."""
        circuit, metrics = CircuitBreaker(_CIRCUIT_OPEN), CacheMetrics(self.registry)
        metrics.circuit_open.set_function(lambda: not circuit.closed)
        return circuit, metrics

    def retry(self, backend: str, settings: RetrySettings, transient: type[Exception]) -> Retry:
        """Return what repeats calls to one backend until they succeed."""
        policy = Policy(settings.attempts, settings.base_delay, settings.max_delay)
        on_retry = self.metrics.retried
        return Retry(backend, policy, (transient,), self.stopping, on_retry=on_retry)
