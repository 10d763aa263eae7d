"""The lease of a relay: advisory locks of one session, through which it also reads and deletes.

Postgres gives a lock back when its session ends. It ends at once with a process that is killed.
A process that is frozen, or behind a dead network, keeps its connection: the server ends a session
that has not said anything for `LEASE` seconds (`idle_session_timeout`), so a relay that lives says
something once a second, from a thread of its own. Whoever comes back from a freeze finds that he
can neither read nor delete any more.

Relays know of each other by a lock that each of them holds beside those of its shards: one that
has more than its share gives some back, one that has less tries to get more.
"""

import random
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence

from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.session import Session
from order_service.infra.postgres.sql import Query
from order_service.messaging.statements import statements_for

from .adding import SHARDS
from .ports import OutboxDepth, PendingMessage

LEASE = 5.0
"""Seconds after which a relay that says nothing has lost its shards."""

_SAY_EVERY = 1.0
_SURE_FOR = 2.0
"""Seconds for which a lease is sure to live after an answer; far less than `LEASE`."""

_LONGEST_BLOCK = 60.0
"""Seconds; see `block`."""

_MOST_COUNTED = 100_000

_FIRST_MEMBER = 1000
"""Second numbers of the locks of relays begin here; below are those of shards."""
_LAST_MEMBER = 2**31 - 1


class PostgresLease:
    """Implements :class:`ports.OutboxLease`.

    Args:
        session: A session of its own, closed with the lease.
        schema: The context's schema.
        clock: Monotonic seconds.

    Raises:
        UnavailableError: The session has ended.
    """

    def __init__(
        self, session: Session, schema: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._session = session
        self._clock = clock
        self._queries = statements_for(schema, __package__)
        self._space = zlib.crc32(f"order-service outbox {schema}".encode()) >> 1
        self._member = random.randint(_FIRST_MEMBER, _LAST_MEMBER)  # noqa: S311 - no secret
        self._held: set[int] = set()
        self._closed = threading.Event()
        self._enter()
        threading.Thread(target=self._keep_alive, name="outbox-lease", daemon=True).start()

    def _query(self, name: str, parameters: Mapping[str, object]) -> list[tuple[object, ...]]:
        return self._session.execute(self._queries[name], parameters)

    def _enter(self) -> None:
        timeout = {"idle_session_timeout": f"{LEASE}s"}
        self._query("prepare_relay", timeout)
        self._query("enter_relays", {"space": self._space, "member": self._member})

    def _keep_alive(self) -> None:
        """Say something whenever nobody else has for a while, until the session has ended."""
        while not self._closed.wait(_SAY_EVERY / 2):
            if self._clock() - self._session.answered >= _SAY_EVERY:
                try:
                    self._query("confirm_lease", {})
                except UnavailableError:
                    return

    def share(self) -> Sequence[int]:
        """See :meth:`ports.OutboxLease.share`."""
        ((relays, alone),) = self._query(
            "count_relays",
            {"space": self._space, "first_member": _FIRST_MEMBER, "member": self._member},
        )
        if not alone:
            # A pooler has changed its mode: what is locked here is not ours, or not ours alone.
            raise UnavailableError("the session of the relay is not its own any more")
        fair = fair_share(int(str(relays)))
        for shard in sorted(self._held)[fair:]:
            self._query("release_shard", {"space": self._space, "shard": shard})
            self._held.discard(shard)
        for shard in self._others():
            if len(self._held) >= fair:
                break
            self._try(shard)
        return sorted(self._held)

    def _others(self) -> Sequence[int]:
        """Return the shards that are not held; relays that look at once must not meet at each."""
        others = [shard for shard in range(SHARDS) if shard not in self._held]
        random.shuffle(others)
        return others

    def _try(self, shard: int) -> None:
        ((taken,),) = self._query("lease_shard", {"space": self._space, "shard": shard})
        if taken:
            self._held.add(shard)

    def pending(self, most_messages: int, most_bytes: int) -> Sequence[PendingMessage]:
        """See :meth:`ports.OutboxLease.pending`."""
        if not self._held:
            return []
        rows = self._session.execute(
            self._queries["read_outbox"],
            {
                "shards": sorted(self._held),
                "most_messages": most_messages,
                "most_bytes": most_bytes,
            },
        )
        return [PendingMessage(*row) for row in rows]

    def confirm(self) -> None:
        """See :meth:`ports.OutboxLease.confirm`."""
        if self._clock() - self._session.answered > _SURE_FOR:
            self._query("confirm_lease", {})

    def sent(self, ids: Sequence[int]) -> None:
        """See :meth:`ports.OutboxLease.sent`."""
        self._query("delete_from_outbox", {"ids": list(ids)})

    def block(self, ids: Sequence[int], error: str) -> None:
        """See :meth:`ports.OutboxLease.block`: for 1 s, twice as long each time, at most 60 s."""
        self._query(
            "block_in_outbox", {"ids": list(ids), "error": error, "longest": _LONGEST_BLOCK}
        )

    def measure(self) -> OutboxDepth:
        """See :meth:`ports.OutboxLease.measure`."""
        return measured(self._session.execute, self._queries)

    def close(self) -> None:
        """See :meth:`ports.OutboxLease.close`."""
        self._closed.set()
        self._session.close()


def fair_share(relays: int) -> int:
    """Return how many shards each of so many relays should hold."""
    return -(-SHARDS // max(1, relays))


def measured(
    execute: Callable[[Query, Mapping[str, object]], Sequence[tuple[object, ...]]],
    queries: Mapping[str, Query],
) -> OutboxDepth:
    """Return how much waits in an outbox."""
    ((messages, oldest, blocked),) = execute(queries["measure_outbox"], {"most": _MOST_COUNTED})
    return OutboxDepth(int(str(messages)), float(str(oldest or 0)), int(str(blocked)))
