"""A batch of messages becomes stored orders, dead letters and a true cache, whatever fails."""

import threading
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from order_service.contexts.orders.decode import decode
from order_service.contexts.orders.errors import (
    StorageUnavailableError,
)
from order_service.contexts.orders.ingest import Destinations, Ingest, IngestRules, prepare
from order_service.contexts.orders.model import Document, Order
from order_service.contexts.orders.ports import ABSENT, Outcome
from order_service.infra.retry import Policy, Retry, StoppedError
from order_service.messaging.errors import DeadLettersUnavailableError
from tests.builders import STREAM, Message, items, message, messages, order
from tests.fakes import MemoryCache, MemoryDeadLetters, MemoryOrders, Once, Told
from tests.strategies import NONSENSE, UIDS, delivered, deliveries, last_valid, topics

BAD = Message(b"not json", 7)


class Rig:
    """Ingest on ports in memory."""

    def __init__(self, *, lanes: int = 1, retry: Any = None) -> None:  # noqa: ANN401 - a Retry
        self.orders = MemoryOrders()
        self.cache = MemoryCache()
        self.letters = MemoryDeadLetters()
        self.told = Told()
        to = Destinations(self.orders, self.letters, retry or Once(), retry or Once())
        self.ingest = Ingest(to, self.cache, self.told, IngestRules(lanes=lanes))

    def take(self, *batch: Message, stream: str | None = STREAM) -> None:
        self.ingest.store(self.ingest.prepare(batch, stream))

    def stored(self, uid: str = "order-1") -> Order | None:
        document = self.orders.find(uid)
        return None if document is None else decode(document.body)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_preparing_sorts_orders_by_uid_so_that_transactions_lock_in_one_order() -> None:
    batch = prepare(messages(["c", "a", "b"]), STREAM)
    assert [candidate.record.uid for candidate in batch.candidates] == ["a", "b", "c"]


def test_preparing_keeps_the_last_order_of_each_uid_and_counts_the_others() -> None:
    batch = prepare([message(offset=number, locale=f"l{number}") for number in range(3)], STREAM)
    (candidate,) = batch.candidates
    assert candidate.record.source.offset == 2
    assert candidate.message.offset == 2
    assert batch.superseded == 2


def test_only_content_that_differs_from_what_it_follows_renews_the_place() -> None:
    same, other = message(offset=1), message(offset=2, locale="ru")
    plain = prepare([same, message(offset=2)], STREAM)
    back = prepare([same, other, message(offset=3)], STREAM)
    assert [candidate.record.renews for candidate in plain.candidates] == [False]
    assert [candidate.record.renews for candidate in back.candidates] == [True]


def test_an_invalid_message_does_not_supersede_a_valid_one(rig: Rig) -> None:
    rig.take(message(offset=1), Message(b'{"order_uid":"order-1"}', 2))
    assert rig.stored() == order()
    assert [letter.message.offset for letter in rig.letters.published] == [2]


def test_an_order_knows_where_its_message_stood() -> None:
    (candidate,) = prepare([message(offset=9)._replace(partition=3)], STREAM).candidates
    assert msgspec.structs.astuple(candidate.record.source) == (STREAM, 3, 9)


def test_new_orders_are_stored_cached_and_reported(rig: Rig) -> None:
    rig.take(*messages(["a", "b"]))
    assert rig.told.outcomes == [Outcome.CREATED] * 2
    assert rig.cache.get("a") == Document.of(order("a"))
    assert rig.letters.published == []


def test_a_newer_message_replaces_order_and_cache_entry(rig: Rig) -> None:
    rig.take(message(offset=1))
    rig.take(message(offset=2, items=items(3)))
    assert rig.stored() == order(items=items(3))
    assert rig.cache.get("order-1") == Document.of(order(items=items(3)))
    assert rig.told.outcomes == [Outcome.CREATED, Outcome.REPLACED]


def test_the_memory_that_an_order_is_unknown_ends_with_its_arrival(rig: Rig) -> None:
    rig.cache.fill_found({"order-1": ABSENT})
    assert rig.cache.get("order-1") is ABSENT
    rig.take(message())
    assert rig.cache.get("order-1") == Document.of(order())


def test_a_redelivered_message_changes_nothing_but_drops_a_doubtful_cache_entry(rig: Rig) -> None:
    rig.take(message(offset=1))
    rig.take(message(offset=1))
    assert rig.told.outcomes == [Outcome.CREATED, Outcome.UNCHANGED]
    # The first attempt may have died between storing and caching.
    assert rig.cache.get("order-1") is None


def test_a_stale_message_leaves_no_older_content_in_the_cache(rig: Rig) -> None:
    rig.take(message(offset=5, locale="ru"))
    rig.take(message(offset=4))
    assert rig.stored() == order(locale="ru")
    assert rig.cache.get("order-1") is None


def test_invalid_messages_become_dead_letters_beside_the_stored_ones(rig: Rig) -> None:
    rig.take(message("a"), BAD, Message(None, 8), message("b"))
    assert [letter.reason for letter in rig.letters.published] == ["invalid_json", "empty"]
    assert rig.told.reasons == ["invalid_json", "empty"]
    assert rig.letters.published[0].message == BAD
    assert rig.stored("a")
    assert rig.stored("b")


def test_an_empty_batch_touches_nothing(rig: Rig) -> None:
    rig.take()
    assert rig.orders.saves == []
    assert rig.told.overtaken == 0


@pytest.mark.parametrize("size", [1, 2, 7, 64])
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_only_the_order_that_storage_refuses_becomes_a_dead_letter(
    rig: Rig, size: int, place: float
) -> None:
    uids = [f"order-{number:03}" for number in range(size)]
    guilty = uids[round(place * (size - 1))]
    rig.orders.refused = {guilty}
    rig.take(*messages(uids))
    (letter,) = rig.letters.published
    assert (letter.reason, letter.message.key) == ("refused_by_storage", guilty.encode())
    assert letter.faults == {"_message": ["refused"]}
    assert [uid for uid in uids if not rig.stored(uid)] == [guilty]
    assert len(rig.orders.saves) <= 2 * size.bit_length() + 1


def test_several_refused_orders_are_found_and_the_rest_is_stored_and_cached(rig: Rig) -> None:
    uids = [f"order-{number:03}" for number in range(40)]
    rig.orders.refused = {uids[number] for number in (0, 17, 18, 39)}
    rig.take(*messages(uids))
    assert {letter.message.offset for letter in rig.letters.published} == {0, 17, 18, 39}
    good = [uid for uid in uids if uid not in rig.orders.refused]
    assert all(rig.cache.get(uid) == Document.of(order(uid)) for uid in good)


@pytest.mark.parametrize("lanes", [2, 3, 8])
def test_lanes_store_every_order_once(lanes: int) -> None:
    rig = Rig(lanes=lanes)
    uids = [f"order-{number:04}" for number in range(4 * Ingest.SMALLEST_LANE)]
    rig.orders.refused = {"order-0111"}
    rig.take(*messages(uids))
    assert [uid for uid in uids if not rig.stored(uid)] == ["order-0111"]
    assert rig.told.outcomes == [Outcome.CREATED] * (len(uids) - 1)
    assert [letter.message.offset for letter in rig.letters.published] == [111]


@pytest.mark.parametrize(("lanes_full", "lanes_used"), [(0.5, 1), (1.9, 1), (2.1, 2), (9, 4)])
def test_small_batches_are_not_shared_out(lanes_full: float, lanes_used: int) -> None:
    rig = Rig(lanes=4)
    count = round(lanes_full * Ingest.SMALLEST_LANE)
    rig.take(*messages(f"order-{number}" for number in range(count)))
    assert len(rig.orders.saves) == lanes_used
    assert min(len(save) for save in rig.orders.saves) >= count // lanes_used - lanes_used


def test_a_storage_outage_ends_the_batch_before_anything_is_reported_done(rig: Rig) -> None:
    rig.orders.away = True
    with pytest.raises(StorageUnavailableError):
        rig.take(message(), BAD)
    assert (rig.told.outcomes, rig.told.reasons, rig.letters.published) == ([], [], [])
    assert rig.cache.get("order-1") is None


def test_dead_letters_that_are_not_acknowledged_are_not_reported_and_fail_the_batch(
    rig: Rig,
) -> None:
    rig.letters.away = True
    with pytest.raises(DeadLettersUnavailableError):
        rig.take(message(), BAD)
    assert rig.told.reasons == []
    rig.letters.away = False
    rig.take(message(), BAD)
    assert rig.told.reasons == ["invalid_json"]
    assert rig.told.outcomes == [Outcome.CREATED, Outcome.UNCHANGED]


def test_an_outage_is_waited_out_and_the_batch_stored_whole() -> None:
    outages = iter(["both", "both", "broker", "none"])

    def mend(_: float) -> bool:
        outage = next(outages)
        waiting.orders.away, waiting.letters.away = outage == "both", outage != "none"
        return False

    transient = (StorageUnavailableError, DeadLettersUnavailableError)
    waiting = Rig(retry=Retry("all", Policy(3, 0.1, 1.0), transient, threading.Event(), wait=mend))
    waiting.orders.away = waiting.letters.away = True
    waiting.take(message(), BAD)
    assert waiting.stored() == order()
    assert waiting.told.outcomes == [Outcome.CREATED]
    assert waiting.told.reasons == ["invalid_json"]


def test_stopping_abandons_a_batch_that_cannot_be_stored() -> None:
    stopping = threading.Event()
    stopping.set()
    rig = Rig(retry=Retry("db", Policy(3, 0.1, 1.0), (StorageUnavailableError,), stopping))
    rig.orders.away = True
    with pytest.raises(StoppedError):
        rig.take(message(), BAD)
    assert rig.letters.published == []


def test_a_quiet_moment_makes_up_for_what_the_cache_missed(rig: Rig) -> None:
    rig.take(message(offset=1))
    rig.cache.away = True
    rig.take(message(offset=2, locale="ru"))
    rig.cache.away = False
    rig.ingest.idle()
    assert rig.cache.get("order-1") is None


def test_a_cache_that_is_away_holds_up_nothing(rig: Rig) -> None:
    rig.cache.away = True
    rig.take(message())
    assert rig.stored() == order()


def test_all_messages_of_a_batch_are_accounted_for(rig: Rig) -> None:
    batch = [*messages(["a", "b", "a", "c", "c"]), BAD, Message(b"{}", 9)]
    rig.orders.refused = {"c"}
    rig.take(*batch)
    dealt_with = len(rig.told.outcomes) + len(rig.told.reasons) + rig.told.overtaken
    assert dealt_with == len(batch)


@settings(max_examples=150)
@given(topics(), deliveries)
def test_any_batches_with_any_redelivery_end_in_the_last_valid_message_of_each_uid(
    topic: list[Message], plan: list[tuple[int, int]]
) -> None:
    rig = Rig()
    for batch in delivered(topic, plan):
        rig.take(*batch)
    expected = last_valid(topic)
    assert {uid: rig.stored(uid) for uid in UIDS if rig.stored(uid)} == expected
    for uid, read in expected.items():
        assert rig.cache.get(uid) in {None, Document.of(read)}
    nonsense = {each.offset for each in topic if each.value == NONSENSE}
    assert {letter.message.offset for letter in rig.letters.published} == nonsense
