"""The orders in Postgres, looked up in an event loop; see `postgres` for the statements.

Whatever else happens than an answer, or none in time, is left to :class:`postgres.PostgresOrders`,
which has a second try and says what is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import psycopg
import structlog

from order_service.infra.postgres.loop_queries import LateError, LoopQueries, Values
from order_service.infra.postgres.sql import Statement, numbered

from .errors import StorageUnavailableError
from .model import Document
from .ports import ABSENT, Absent
from .postgres import FIND_MANY, FIND_ONE, document_of

_log = structlog.get_logger(__name__)

_ONE = Statement("find_one_order", numbered(FIND_ONE))
_MANY = Statement("find_many_orders", numbered(FIND_MANY))

STATEMENTS = (_ONE, _MANY)
"""Those that are run."""

Then = Callable[[Mapping[str, Document | Absent] | Exception | None], None]


class PostgresQuickly:
    """Implements :class:`ports.QuickOrders`.

    Args:
        queries: Runs `STATEMENTS`.
    """

    def __init__(self, queries: LoopQueries) -> None:
        self._queries = queries
        self.ready = queries.ready

    @property
    def free(self) -> int:
        """See :attr:`ports.QuickOrders.free`."""
        return self._queries.free

    def find_many(self, uids: Sequence[str], then: Then) -> None:
        """See :meth:`ports.QuickOrders.find_many`."""
        statement = _ONE if len(uids) == 1 else _MANY
        self._queries.begin(statement, [",".join(uids)], partial(self._tell, uids, then))

    def _tell(
        self, uids: Sequence[str], then: Then, answer: Sequence[Values] | psycopg.Error
    ) -> None:
        if isinstance(answer, LateError):
            then(StorageUnavailableError(str(answer)))
        elif isinstance(answer, psycopg.Error):
            then(None)
        else:
            then(_found(uids, answer))


def _found(uids: Sequence[str], rows: Sequence[Values]) -> Mapping[str, Document | Absent] | None:
    """Return the orders by uid, None if there is one among them that is none."""
    found: dict[str, Document | Absent] = dict.fromkeys(uids, ABSENT)
    try:
        for uid, kept, body in rows:
            found[_text(uid)] = document_of(_text(kept), body or b"")
    except Exception:  # noqa: BLE001 - whoever asks otherwise meets the same
        _log.exception("a stored order cannot be read")
        return None
    return found


def _text(value: bytes | None) -> str:
    return (value or b"").decode()
