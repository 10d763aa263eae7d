"""Use cases: see what waits in an outbox and why, and have what is blocked tried again now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from order_service.infra.postgres.database import Database
from order_service.messaging.statements import statements_for


class WaitingMessage(NamedTuple):
    """A message of the outbox as it is shown; nothing of its body.

    Attributes:
        id: Its place.
        message_id: Of its envelope.
        topic: Where to.
        key: What is in order.
        headers: Of its envelope.
        created_at: When it was added.
        attempts: How often its topic has refused it.
        last_error: Why; None if it never did.
        blocked_until: When it is tried again; None if it is not blocked.
    """

    id: int
    message_id: UUID
    topic: str
    key: bytes
    headers: Mapping[str, str]
    created_at: datetime
    attempts: int
    last_error: str | None
    blocked_until: datetime | None


class Waiting(NamedTuple):
    """The oldest messages of an outbox.

    Attributes:
        messages: As many as were asked for.
        total: How many there are.
        blocked: How many of all are blocked.
    """

    messages: Sequence[WaitingMessage]
    total: int
    blocked: int


class OutboxAdmin:
    """What a person may do with the outbox of one context.

    Args:
        database: Holds it; every call raises what it raises.
        schema: The context's schema.
    """

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._queries = statements_for(schema, __package__)

    def list(self, limit: int, *, blocked: bool = False) -> Waiting:
        """Return the `limit` oldest messages, or only those that are blocked."""
        wanted = {"most": limit, "blocked": blocked}
        rows = self._database.read(self._queries["list_outbox"], wanted)
        ((total, blocked_in_all),) = self._database.read(self._queries["count_outbox"], {})
        return Waiting([WaitingMessage(*row) for row in rows], total, blocked_in_all)

    def retry(self, ids: Sequence[int] | None = None) -> Sequence[int]:
        """Have blocked messages tried again at once; return which.

        Args:
            ids: Which; None means all that are blocked.
        """
        wanted = {"ids": None if ids is None else [*ids]}
        rows = self._database.write(self._queries["retry_in_outbox"], wanted)
        return sorted(id_ for (id_,) in rows)
