"""Knows which sessions ended while access tokens of theirs may be valid.

The list is read again every second. A cursor over ids or moments would miss what commits late, so
each reading goes back by more than a transaction can last; and once a minute, by all that matters.
While the database is away the list stays as it is: such tokens then live to their own end, except
on routes that ask for the session at once.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from .errors import AccountsUnavailableError
from .ports import Clock, SessionStore

_log = structlog.get_logger(__name__)

_OVERLAP = timedelta(seconds=30)
_WHOLE_EVERY = 60.0


class Revocations:
    """The sessions that ended, by id. Thread-safe; one thread refreshes.

    Args:
        store: The sessions.
        token_lifetime: For how long an access token may outlive its session.
        clock: The time now.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        store: SessionStore,
        token_lifetime: timedelta,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._kept = token_lifetime + _OVERLAP
        self._clock = clock
        self._monotonic = monotonic
        self._ended: dict[str, object] | None = None
        self._read_at = -_WHOLE_EVERY
        self._whole_at = -_WHOLE_EVERY

    def __contains__(self, session_id: object) -> bool:
        """Return whether a session is known to have ended.

        Raises:
            AccountsUnavailableError: The list was never read.
        """
        if self._ended is None:
            raise AccountsUnavailableError("the ended sessions have not been read yet")
        return session_id in self._ended

    def __len__(self) -> int:
        return len(self._ended or ())

    @property
    def age(self) -> float:
        """Seconds since the list was last read."""
        return self._monotonic() - self._read_at

    def refresh(self) -> None:
        """Read what ended.

        Raises:
            AccountsUnavailableError: It cannot be read now; the list stays as it is.
        """
        began = self._monotonic()
        whole = self._ended is None or began - self._whole_at >= _WHOLE_EVERY
        span = self._kept if whole else _OVERLAP + timedelta(seconds=self.age)
        found = self._store.ended_since(self._clock() - span)
        known = {} if whole or self._ended is None else self._ended
        # A new dictionary: others read this one at the same time.
        self._ended = known | {str(session_id): ended_at for session_id, ended_at in found}
        self._read_at = began
        self._whole_at = began if whole else self._whole_at
