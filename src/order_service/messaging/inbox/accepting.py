"""Knows which messages have had their effect."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from order_service.infra.postgres.database import Transaction
from order_service.infra.postgres.sql import Query
from order_service.messaging.statements import statements_for

RETENTION = timedelta(days=14)
"""For how long ids are kept: twice as long as Kafka keeps messages by default."""

_PRUNED_AT_ONCE = 5_000


class Pruning(Protocol):
    """Runs statements; :class:`infra.postgres.database.Database` does."""

    def write(self, query: Query, parameters: Mapping[str, object], /) -> list[tuple[Any, ...]]:
        """Run one statement as one transaction and return its rows."""


class Inbox:
    """The inbox of one context.

    Args:
        schema: The context's schema.
    """

    def __init__(self, schema: str) -> None:
        self._queries = statements_for(schema, __package__)

    def accept_all(self, transaction: Transaction, message_ids: Sequence[UUID]) -> set[UUID]:
        """Record messages; return those that were not recorded before: the others are duplicates.

        Waits for another transaction that is recording one of them.
        """
        wanted = {"message_ids": list(message_ids)}
        rows = transaction.execute(self._queries["accept_in_inbox"], wanted)
        return {UUID(str(message_id)) for (message_id,) in rows}

    def prune(self, database: Pruning, retention: timedelta = RETENTION) -> int:
        """Forget some of the ids that are older than `retention`; return how many.

        Call again soon if it is not 0.
        """
        wanted = {"seconds": retention.total_seconds(), "most": _PRUNED_AT_ONCE}
        return len(database.write(self._queries["prune_inbox"], wanted))
