"""Forgets what nobody needs any more: old sign-ins, sessions that ended, old failures."""

from datetime import datetime, timedelta
from typing import NamedTuple

from order_service.infra.postgres.database import Database

from .statements import Statements

_AT_ONCE = 5000
"""Rows that one statement deletes: it holds their locks, and must end within its deadline."""


class Retention(NamedTuple):
    """How long what has passed is kept.

    Attributes:
        sign_ins: Entries of the audit trail.
        sessions: Sessions that ended or ran out: longer than an access token lives.
        failures: Counts of failed attempts, after the last one.
        idle: How long a session lives without being renewed.
    """

    sign_ins: timedelta
    sessions: timedelta
    failures: timedelta
    idle: timedelta


class Pruning:
    """Deletes what is older than its retention, in small steps.

    Any number of processes may do it: they pass over each other's rows, or find them gone.

    Args:
        database: An open database.
        retention: How long what has passed is kept.
    """

    def __init__(self, database: Database, retention: Retention) -> None:
        self._statements = Statements(database)
        self._retention = retention

    def run(self, now: datetime) -> int:
        """Delete one step of each kind; return the rows that went. More may be left.

        Raises:
            AccountsUnavailableError: The database cannot do it now.
        """
        kept, write = self._retention, self._statements.write
        return sum(
            len(rows)
            for rows in (
                write("accounts_prune_sign_ins", before=now - kept.sign_ins, limit=_AT_ONCE),
                write(
                    "accounts_prune_sessions",
                    before=now - kept.sessions,
                    idle=kept.idle,
                    limit=_AT_ONCE,
                ),
                write(
                    "accounts_prune_failures",
                    before=now - kept.failures,
                    now=now,
                    limit=_AT_ONCE,
                ),
                write("accounts_prune_rates", now=now, limit=_AT_ONCE),
            )
        )
