"""What the use cases need from the outside, as Protocols.

The adapters (`postgres`, `redis_cache`, the dead-letter producer, the metrics) implement
them; fakes that pass the same contract tests stand in for them in unit tests.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from msgspec import Struct

from order_service.messaging.ports import DeadLetter

from .model import Document


class Source(Struct, frozen=True, gc=False):
    """Where a message stood; tells which of two versions of an order is the newer one.

    Attributes:
        stream: Identity of the topic's present incarnation (its topic id), or None where
            the broker has none. Offsets of different incarnations do not compare.
        partition: Partition number.
        offset: Offset within the partition.
    """

    stream: str | None
    partition: int
    offset: int


class Rows(Struct, frozen=True, gc=False):
    """The rows of an order, table by table, as UTF-8 text; see `rows`."""

    order: bytes
    delivery: bytes
    payment: bytes
    items: bytes


class OrderRecord(Struct, frozen=True, gc=False):
    """A valid order on its way into storage.

    Attributes:
        uid: The order's uid.
        document: What is stored.
        rows: The same, as an order that is new to the database is stored.
        source: Where its message stood.
        renews: Whether it follows other content of the same order in the same batch. If
            storage has its content already, it must still take note of its place, or what
            it followed would count as newer.
    """

    uid: str
    document: Document
    rows: Rows
    source: Source
    renews: bool = False


class Outcome(StrEnum):
    """What storing one order did."""

    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    """The same content is stored already, or a newer message has been."""


class Standing(NamedTuple):
    """Where the stored content of an order came from.

    Attributes:
        digest: Of the content.
        source: Where its message stood.
        stored_at: When it was written, in milliseconds since the epoch.
    """

    digest: str
    source: Source
    stored_at: int


class Level(StrEnum):
    """Where a lookup was answered."""

    LOCAL = "local"
    HIT = "hit"
    MISS = "miss"


class OrderSummary(NamedTuple):
    """One line of a list of orders."""

    order_uid: str
    track_number: str
    customer_id: str
    delivery_service: str
    date_created: datetime
    currency: str
    amount: int
    item_count: int


class OrderFilter(NamedTuple):
    """Which orders a list shows; None means any."""

    customer_id: str | None = None
    track_number: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


class Position(NamedTuple):
    """The last order of a page: the next one starts behind it, newest first."""

    date_created: datetime
    order_uid: str


class Absent:
    """What is answered for a uid that is known to be unknown; see ABSENT."""


ABSENT = Absent()


class OrderRepository(Protocol):
    """The orders in durable storage.

    Every call blocks, with a deadline, and raises StorageUnavailableError if nothing can be known
    or stored now.
    """

    def save(self, records: Sequence[OrderRecord]) -> Mapping[str, Outcome]:
        """Store `records` in one transaction and return the outcome for each uid.

        An order that is stored with other content is replaced whole, unless a later
        message of the same stream and partition has already been stored.

        Args:
            records: Valid orders; no uid twice.

        Raises:
            StorageUnavailableError: Nothing is known to be stored; call again.
            StorageRejectedError: Some record is refused for good; nothing was stored.
        """

    def find(self, uid: str) -> Document | None:
        """Return the order, or None if there is none."""

    def find_many(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        """Return the orders by uid, ABSENT where there is none.

        What cannot be known now is left out.

        Args:
            uids: At least one; none twice.
        """

    def newest(self, limit: int, page_size: int) -> Iterator[Sequence[tuple[str, Document]]]:
        """Yield pages of at most `page_size` (uid, document), newest first, `limit` in all."""

    def search(
        self, wanted: OrderFilter, limit: int, after: Position | None
    ) -> Sequence[OrderSummary]:
        """Return at most `limit` orders that `wanted` admits, newest first, behind `after`."""


class Standings(Protocol):
    """Tells where stored orders came from."""

    def standings(self, uids: Sequence[str]) -> Mapping[str, Standing]:
        """Return what is known of these orders; those that are not stored are left out.

        Raises:
            StorageUnavailableError: It cannot be known now.
        """


class OrderCache(Protocol):
    """The shared cache. It never raises: a cache that is away knows nothing."""

    def get(self, uid: str) -> Document | Absent | None:
        """Return the order, ABSENT if it is remembered as unknown, None if not cached."""

    def get_many(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        """Like `get`, for many at the price of one; what is not cached is left out."""

    def fill_found(self, found: Mapping[str, Document | Absent]) -> None:
        """Cache what a reader found, unless an entry exists already; ABSENT for a short time."""

    def forget_many(self, uids: Collection[str]) -> None:
        """Drop the entries of these orders, which may be older than what is stored."""

    def fill_many(self, documents: Collection[tuple[str, Document]]) -> bool:
        """Like `fill_found`, for stored orders; return whether the cache took them."""

    def put_many(self, documents: Collection[tuple[str, Document]]) -> None:
        """Set entries to what was just stored, whatever is there."""

    def drop_stale(self) -> None:
        """Make up for entries that could not be set while the cache was away."""


class IngestObserver(Protocol):
    """Told what ingest did, for metrics."""

    def stored(self, outcomes: Mapping[str, Outcome]) -> None:
        """Orders of one batch were committed."""

    def rejected(self, letters: Sequence[DeadLetter]) -> None:
        """Messages of one batch were acknowledged as dead letters."""

    def superseded(self, count: int) -> None:
        """`count` messages were overtaken by a later one of their uid in the same batch."""


class NotTold:
    """Says that it could not be asked; the only one is `NOT_TOLD`."""


NOT_TOLD = NotTold()

Entry = Document | Absent
"""What a cache may have."""


class QuickCache(Protocol):
    """The shared cache, asked in an event loop."""

    def ask(self, uid: str, then: Callable[[Entry | NotTold | None], None]) -> bool:
        """Ask for an order without waiting.

        Args:
            uid: Of the order.
            then: Called once, later, in the loop, with what there is, or None; NOT_TOLD if it must
                be asked for otherwise.

        Returns:
            Whether it asks. If not, `then` is not called.
        """

    def fill_found(self, found: Mapping[str, Document | Absent]) -> None:
        """See :meth:`OrderCache.fill_found`; what cannot be sent now is left out."""


class QuickOrders(Protocol):
    """The orders in durable storage, asked in an event loop."""

    def ready(self) -> bool:
        """Whether they can be asked, now or after the questions that are under way."""

    @property
    def free(self) -> int:
        """How many questions can be asked now."""

    def find_many(
        self,
        uids: Sequence[str],
        then: Callable[[Mapping[str, Document | Absent] | Exception | None], None],
    ) -> None:
        """See :meth:`OrderRepository.find_many`.

        Args:
            uids: At least one; none twice.
            then: Called once, later, in the loop: with the orders, with why they cannot be known,
                or with None if they must be asked for otherwise.
        """


class LookupObserver(Protocol):
    """Told where lookups were answered, for metrics."""

    def looked_up(self, level: Level) -> None:
        """One lookup was answered from `level`."""

    @property
    def in_loop(self) -> Mapping[Level, Callable[[], None]]:
        """What tells the same where it is called in an event loop."""

    def warmed(self, done: int, total: int) -> None:
        """The warm-up has cached `done` of at most `total` orders."""
