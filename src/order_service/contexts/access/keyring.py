"""Use case: check the key of a request against a copy of all keys in this process.

The copy is renewed every few seconds in the background, so a check costs microseconds and
goes on while the database is away: with the keys that were last known, never with none.
A key that is not among them may be a new one, so that it has the copy renewed at once, though
not more often than once a second: guesses must not become load.
"""

import hmac
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog

from .errors import KeysUnavailableError
from .model import StoredKey, digest_of
from .ports import KeyReader

_log = structlog.get_logger(__name__)

# Where in the copy a digest is looked for. Who measures the time of that learns at most
# these bytes of a digest, which do not lead back to its key.
_PREFIX = 8

_PAUSE = 1.0
"""Seconds between two readings that unknown keys ask for."""

_NOBODY = StoredKey("", bytes(32), frozenset())


class Caller(NamedTuple):
    """Who asks: the name of the key, and what it admits."""

    name: str
    scopes: frozenset[str]


class Keyring:
    """The keys as they were when they were last read. Thread-safe.

    Args:
        reader: Where they are.
        interval: Seconds between two readings: as long does a revoked key live at most, as
            long as the database answers.
        stopping: Set when the process should end.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        reader: KeyReader,
        interval: float,
        stopping: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._interval = interval
        self._stopping = stopping
        self._clock = clock
        self._asking = threading.Lock()
        self._may_ask_at = clock()
        self._keys: Mapping[bytes, StoredKey] | None = None
        self._stale = False

    def start(self) -> threading.Thread:
        """Read the keys once, blocking, then again and again in the background."""
        self.refresh()
        thread = threading.Thread(target=self._run, name="keyring", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self.refresh()
            except Exception:  # noqa: BLE001 - without this thread no key could be revoked
                _log.exception("reading the keys broke")

    def refresh(self) -> None:
        """Read the keys; on failure the known ones stay in force, and the log says so once."""
        try:
            self._keys = {key.digest[:_PREFIX]: key for key in self._reader.valid()}
        except KeysUnavailableError as error:
            if not self._stale:
                _log.warning("the keys cannot be read; known ones stay in force", error=str(error))
            self._stale = True
        else:
            self._stale = False

    def check(self) -> None:
        """Raise KeysUnavailableError if the keys have never been read."""
        if self._keys is None:
            raise KeysUnavailableError("the keys have not been read yet")

    def caller(self, key: str) -> Caller | None:
        """Return whose key this is, None if it is nobody's.

        Does not block for a known key; one unknown key a second waits for the database.

        Raises:
            KeysUnavailableError: The keys have never been read.
        """
        self.check()
        digest = digest_of(key)
        if digest is None:
            return None
        caller = self._known(digest)
        if caller is None and self._may_ask():
            self.refresh()
            caller = self._known(digest)
        return caller

    def _may_ask(self) -> bool:
        with self._asking:
            now = self._clock()
            if now < self._may_ask_at:
                return False
            self._may_ask_at = now + _PAUSE
            return True

    def _known(self, digest: bytes) -> Caller | None:
        candidate = (self._keys or {}).get(digest[:_PREFIX], _NOBODY)
        if not hmac.compare_digest(candidate.digest, digest):
            return None
        return Caller(candidate.name, candidate.scopes)
