"""How far a streaming replica of Postgres is behind its primary.

A replica that replays all that it received is up to date, however long ago the last change
was; unless nobody sends it anything any more, which it knows by the end of its receiver.
"""

import math
from collections.abc import Callable

import structlog

from .database import Database
from .faults import UnavailableError
from .sql import Query

_log = structlog.get_logger(__name__)

_LAG = Query(
    "replica_lag",
    """
    SELECT CASE
        WHEN NOT pg_is_in_recovery() THEN 0
        WHEN NOT EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 'infinity'
        WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
        ELSE coalesce(
            extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 'infinity')
    END::float8
    """,
)


class ReplicaBehindError(Exception):
    """The replica is away, or further behind than it may be."""


class ReplicaLag:
    """Knows whether a replica is fresh enough to be read. Thread-safe.

    Have it asked in the background, so that no lookup waits for a replica that hangs.

    Args:
        replica: An open database.
        limit: Most seconds that it may be behind.
        on_lag: Told by how many seconds it is behind, infinity if nobody knows.
    """

    def __init__(
        self,
        replica: Database,
        limit: float,
        on_lag: Callable[[float], object] = lambda _: None,
    ) -> None:
        self._replica = replica
        self._limit = limit
        self._on_lag = on_lag
        self._acceptable = False

    def acceptable(self) -> bool:
        """Return whether the replica answered lately and was behind by no more than the limit."""
        return self._acceptable

    def check(self) -> None:
        """Raise ReplicaBehindError unless the replica is fresh enough; does not block."""
        if not self._acceptable:
            raise ReplicaBehindError

    def ask(self) -> None:
        """Ask the replica now; blocks for its deadlines at most. Says in the log what changes."""
        seconds = self._seconds()
        self._on_lag(seconds)
        acceptable = seconds <= self._limit
        if acceptable != self._acceptable:
            self._acceptable = acceptable
            if acceptable:
                _log.info("the replica is read", lag_s=round(seconds, 3))
            else:
                _log.warning("the replica is not read: it is away or behind", lag_s=seconds)

    def _seconds(self) -> float:
        """Return by how much it is behind, infinity if nobody knows."""
        try:
            [(seconds,)] = self._replica.read(_LAG)
        except UnavailableError:
            return math.inf
        return float(seconds)
