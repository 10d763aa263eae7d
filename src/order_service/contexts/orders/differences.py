"""The differences between topic and tables, however many: what memory has no room for is on disk.

A failover loses seconds; somebody who compares a week with empty tables finds millions. They are
kept by uid in a private database of SQLite, which lies in memory until it is some megabytes large,
then in a file of the system's folder for temporary files that no other process sees.
"""

import sqlite3
from collections.abc import Iterable, Iterator

from order_service.context.topic_comparison import Difference, Lack

_SCHEMA = """
    PRAGMA journal_mode = OFF;
    CREATE TABLE differences (
        uid TEXT PRIMARY KEY, lack TEXT, part INTEGER, place INTEGER, sent INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE letters (
        part INTEGER, place INTEGER, sent INTEGER, PRIMARY KEY (part, place, sent)
    ) WITHOUT ROWID;
"""
_PUT = """
    INSERT INTO differences VALUES (?, ?, ?, ?, ?) ON CONFLICT (uid) DO UPDATE
    SET lack = excluded.lack, part = excluded.part, place = excluded.place, sent = excluded.sent
    WHERE part = excluded.part OR sent <= excluded.sent
"""
_CLEAR = "DELETE FROM differences WHERE uid = ? AND (part = ? OR sent <= ?)"
_LISTED = "SELECT uid, lack, part, place, sent FROM differences ORDER BY part, place LIMIT ?"
_COUNTED = "SELECT lack, count(*) FROM differences GROUP BY lack"
_ALL = -1

_MOST_PAGES = 2**30
"""As good as none: four terabytes."""

LetterPlace = tuple[int, int, int]
"""Partition, offset and timestamp of a message that became a dead letter."""


class Differences:
    """The last message that is known to differ of each order. Not thread-safe.

    Within a partition later calls are for later messages. Between partitions time decides.

    Args:
        max_pages: How large the database may become, in pages of 4 KiB.
    """

    def __init__(self, max_pages: int = _MOST_PAGES) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_SCHEMA)
        self._database.execute(f"PRAGMA max_page_count = {max_pages:d}")
        self._empty = True

    def put(self, found: Difference) -> None:
        """Note a difference: it takes the place of an earlier one of that order.

        Raises:
            OSError: There is no room for it.
        """
        self._empty = False
        try:
            self._database.execute(_PUT, found)
        except sqlite3.OperationalError as error:
            raise OSError(f"no room in TMPDIR for so many differences: {error}") from error

    def clear(self, uid: str, partition: int, timestamp: int) -> None:
        """Forget the difference of an order: a later message says what is stored."""
        if not self._empty:
            self._database.execute(_CLEAR, (uid, partition, timestamp))

    def count(self, lack: Lack) -> int:
        """Return how many orders lack in that way."""
        counts = dict(self._database.execute(_COUNTED).fetchall())
        return int(counts.get(lack, 0))

    def listed(self, limit: int = _ALL) -> Iterator[Difference]:
        """Yield differences by partition and offset; nothing may be noted meanwhile."""
        for uid, lack, *place in self._database.execute(_LISTED, [limit]):
            yield Difference(uid, Lack(lack), *place)

    def add_letters(self, places: Iterable[LetterPlace]) -> None:
        """Note messages that became dead letters."""
        self._database.executemany("INSERT OR IGNORE INTO letters VALUES (?, ?, ?)", places)

    def has_letter(self, place: LetterPlace) -> bool:
        """Return whether a message became a dead letter."""
        found = "SELECT 1 FROM letters WHERE part = ? AND place = ? AND sent = ?"
        return self._database.execute(found, place).fetchone() is not None

    def close(self) -> None:
        """Give memory and disk back."""
        self._database.close()
