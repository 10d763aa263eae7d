"""The accounts in Postgres, in a schema of their own."""

from .administration import PostgresAdministration
from .keys import PostgresKeyStore
from .people import PostgresPeople
from .pruning import Pruning, Retention
from .sessions import PostgresSessions
from .sign_ins import PostgresSignIns, Throttling

__all__ = [
    "PostgresAdministration",
    "PostgresKeyStore",
    "PostgresPeople",
    "PostgresSessions",
    "PostgresSignIns",
    "Pruning",
    "Retention",
    "Throttling",
]
