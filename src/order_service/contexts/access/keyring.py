"""Use case: check the key of a request against a copy of all keys in this process.

The copy is renewed every few seconds in the background, so a check costs microseconds and
goes on while the database is away: with the keys that were last known, never with none.
"""

import hmac
import threading
from collections.abc import Mapping
from typing import NamedTuple

import structlog

from .errors import KeysUnavailableError
from .model import StoredKey, digest_of
from .ports import KeyReader

_log = structlog.get_logger(__name__)

# Where in the copy a digest is looked for. Who measures the time of that learns at most
# these bytes of a digest, which do not lead back to its key.
_PREFIX = 8

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
    """

    def __init__(self, reader: KeyReader, interval: float, stopping: threading.Event) -> None:
        self._reader = reader
        self._interval = interval
        self._stopping = stopping
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
        """Return whose key this is, None if it is nobody's. Does not block.

        Raises:
            KeysUnavailableError: The keys have never been read.
        """
        self.check()
        digest = digest_of(key)
        if digest is None or self._keys is None:
            return None
        candidate = self._keys.get(digest[:_PREFIX], _NOBODY)
        if not hmac.compare_digest(candidate.digest, digest):
            return None
        return Caller(candidate.name, candidate.scopes)
