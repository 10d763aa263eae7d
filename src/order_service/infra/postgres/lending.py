"""What a pool does for those who keep one of its connections for long."""

from collections.abc import Sequence
from typing import Protocol

from .own_session import OwnSession
from .sql import Query, Statement


class Lender(Protocol):
    """Lends connections for long, and knows of the database's health. Thread-safe.

    Attributes:
        patience: Seconds that a statement may take.
    """

    @property
    def patience(self) -> float: ...  # noqa: D102 - above

    @property
    def well(self) -> bool:
        """Whether the database is believed to answer."""

    def lend(self, statements: Sequence[Statement]) -> OwnSession:
        """Return a connection on which statements are prepared; blocks.

        Raises:
            UnavailableError: There is none now.
            psycopg.Error: A statement is at fault.
        """

    def take_back(self, connection: OwnSession) -> None:
        """Take a connection back, which nobody uses any more or which is closed."""

    def told(self, query: Query, seconds: float, *, ok: bool) -> None:
        """Take note of a statement that has ended."""

    def late(self) -> None:
        """Take note that the database does not answer."""
