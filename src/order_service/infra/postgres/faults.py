"""Which faults of a database pass, and what they leave behind."""

import psycopg
from psycopg import pq
from psycopg_pool import PoolTimeout

_CONFLICTS = frozenset({"40001", "40P01"})
"""Serialization failure, deadlock detected."""

_READ_ONLY = "25006"
"""Read-only transaction: a standby, or a primary that is being demoted."""

_TOO_SLOW = "25P03"
"""The server has ended a session that said nothing for too long within a transaction."""

_TRANSIENT_CLASSES = ("08", "53", "57")
_TRANSIENT_STATES = _CONFLICTS | {
    _READ_ONLY,
    _TOO_SLOW,
    "55P03",  # lock not available
    "58030",  # I/O error
}
_LOST_CLASSES = ("08", "57P", _TOO_SLOW)
"""Connection exceptions, and what a server says that ends a connection."""

_OUTDATED = frozenset({"0A000", "26000"})
"""A plan whose columns have another type now, which Postgres calls a feature that it does not have,
and a prepared statement that is gone."""

STALE_FAILS_WITHIN = 0.5
"""Seconds. A connection that went stale fails at once; a second try of others would be as slow."""

_LIMITS_CLASS = "54"
"""Program limits, such as the size of a row in an index."""


class UnavailableError(Exception):
    """The database cannot do it now: no connection, no time, or it is known to be away.

    Attributes:
        outcome_unknown: The connection broke while a statement outside of a transaction, or a
            commit, was under way: what it wrote may have taken effect.
    """

    def __init__(self, reason: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(reason)
        self.outcome_unknown = outcome_unknown


class ConflictError(UnavailableError):
    """Another transaction came in between; nothing took effect."""


def is_transient(error: psycopg.Error) -> bool:
    """Return whether the same statement may succeed later.

    The list follows appendix A of the Postgres manual. A server that is killed leaves an
    OperationalError without a state. Statement too complex and the like (class 54) are
    OperationalErrors too, but theirs is a state, and it will not change.
    """
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith(_TRANSIENT_CLASSES) or state in _TRANSIENT_STATES


def is_refusal(error: psycopg.Error) -> bool:
    """Return whether it is the data that the server does not take, and never will.

    Anything else that is not transient, such as a missing table or right, is a fault of the
    installation, and no matter of the data.
    """
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return True
    return (error.sqlstate or "").startswith(_LIMITS_CLASS)


def is_stale(error: psycopg.Error) -> bool:
    """Return whether connections that are as old may be dead, or lead to a former primary."""
    if isinstance(error, PoolTimeout) or not is_transient(error):
        return False
    return error.sqlstate == _READ_ONLY or _is_lost(error)


def is_outdated(error: psycopg.Error) -> bool:
    """Return whether statements that sessions have prepared are out of date, as after a migration.

    New sessions prepare them anew.
    """
    return error.sqlstate in _OUTDATED


def _is_lost(error: psycopg.Error) -> bool:
    """Return whether a transient fault ended its connection."""
    return error.sqlstate is None or error.sqlstate.startswith(_LOST_CLASSES)


def transient_fault(error: psycopg.Error, *, sent: bool) -> UnavailableError:
    """Return what a transient fault means.

    Args:
        error: What the driver raised.
        sent: Whether a statement or a commit that takes effect was sent before.
    """
    if error.sqlstate in _CONFLICTS:
        return ConflictError(str(error))
    return UnavailableError(str(error), outcome_unknown=sent and _is_lost(error))


def refusal_of(result: pq.abc.PGresult | None) -> psycopg.Error:
    """Return what psycopg raises for a result that is none."""
    if result is None:
        return psycopg.DatabaseError("no result")
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    try:
        kind = psycopg.errors.lookup(state)
    except KeyError:  # Postgres has got another one
        kind = psycopg.DatabaseError
    return kind(result.error_message.decode(errors="replace"))
