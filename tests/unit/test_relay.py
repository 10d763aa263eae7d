"""The relay without servers: batches, refusals, pauses, and how it ends."""

import threading
from collections.abc import Sequence

import pytest

from order_service.infra.postgres.faults import UnavailableError
from order_service.messaging.metrics import OutboxMetrics
from order_service.messaging.outbox.ports import OutboxDepth, PendingMessage
from order_service.messaging.outbox.relay import Pauses
from order_service.metrics import Registry
from tests.unit.messaging_fakes import (
    ALL_SHARDS,
    Fault,
    MemoryLease,
    MemoryOutbox,
    RelayTold,
    Wire,
    pending,
    relay_on,
)
from tests.waiting import eventually

LARGE = b"x" * 20_000


class Bench:
    """An outbox with messages, one lease on all of it, and a relay."""

    def __init__(self, *rows: PendingMessage) -> None:
        self.outbox = MemoryOutbox()
        self.outbox.rows = {row.id: row for row in rows}
        self.wire = Wire()
        self.told = RelayTold()
        self.relay = relay_on(self.wire, told=self.told)
        self.lease = self.outbox.take_over(ALL_SHARDS)

    def relay_batch(self) -> list[int]:
        """Ids that a batch brought to the topic."""
        before = len(self.wire.arrived)
        self.relay.relay_batch(self.lease)
        return [row.id for row in self.wire.arrived[before:]]


def test_what_is_acknowledged_is_deleted() -> None:
    bench = Bench(pending(1), pending(2, b"other"))
    assert bench.relay_batch() == [1, 2]
    assert bench.outbox.rows == {}
    assert bench.told.counted == {"published": 2, "refused": 0}
    assert bench.relay_batch() == []


def test_behind_a_message_that_may_be_refused_nothing_goes_before_its_answer() -> None:
    bench = Bench(pending(1), pending(2, value=LARGE), pending(3), pending(4, b"other"))
    assert bench.relay_batch() == [1, 4, 2]
    assert bench.relay_batch() == [3]


def test_a_refused_message_holds_up_its_key_alone() -> None:
    bench = Bench(pending(1, value=LARGE), pending(2), pending(3, b"other", LARGE[:17_000]))
    bench.wire.largest = 18_000
    assert bench.relay_batch() == [3]
    assert bench.relay_batch() == []
    assert bench.outbox.rows[1].attempts == 1
    bench.wire.largest = 30_000
    bench.outbox.blocked.clear()
    assert bench.relay_batch() == [1]
    assert bench.relay_batch() == [2]
    assert bench.told.counted == {"published": 3, "refused": 1}


def test_of_refused_messages_only_the_first_of_each_key_is_marked() -> None:
    bench = Bench(*(pending(number, b"%d" % (number % 2), b"x") for number in range(1, 7)))
    bench.wire.largest = 0
    assert bench.relay_batch() == []
    assert bench.outbox.blocked == {1, 2}


def test_a_message_that_was_refused_before_goes_alone() -> None:
    bench = Bench(pending(1, attempts=1), pending(2))
    assert bench.relay_batch() == [1]
    assert bench.relay_batch() == [2]


def test_what_is_not_acknowledged_is_published_again_in_its_order() -> None:
    bench = Bench(pending(1), pending(2))
    bench.wire.fault, bench.wire.part = Fault.UNAVAILABLE, 1
    assert bench.relay_batch() == [1, 1, 2]
    assert bench.outbox.rows == {}


def test_without_a_lease_nothing_is_published() -> None:
    bench = Bench(pending(1))
    lost = bench.lease
    bench.outbox.take_over(ALL_SHARDS)
    with pytest.raises(UnavailableError):
        bench.relay.relay_batch(lost)
    assert bench.wire.arrived == []


class Losing(MemoryLease):
    """A lease that is lost after it was read through."""

    def pending(self, most_messages: int, most_bytes: int) -> Sequence[PendingMessage]:
        found = super().pending(most_messages, most_bytes)
        self.lost = True
        return found


def test_a_lease_that_is_lost_between_reading_and_publishing_is_noticed() -> None:
    bench = Bench(pending(1))
    with pytest.raises(UnavailableError):
        bench.relay.relay_batch(Losing(bench.outbox, ALL_SHARDS))
    assert bench.wire.arrived == []


def test_a_relay_runs_until_it_is_stopped_and_gets_a_new_lease_when_its_own_is_lost() -> None:
    bench, stopping, leases = Bench(), threading.Event(), []

    def open_lease() -> MemoryLease:
        leases.append(bench.outbox.take_over(ALL_SHARDS))
        return leases[-1]

    relay = relay_on(bench.wire, open_lease, stopping, bench.told)
    thread = threading.Thread(target=relay.run)
    thread.start()
    bench.outbox.rows[1] = pending(1)
    eventually(lambda: not bench.outbox.rows, 10, "the message leaves")
    leases[0].lost = True
    eventually(lambda: len(leases) == 2, 10, "there is another lease")
    bench.outbox.rows[2] = pending(2)
    eventually(lambda: not bench.outbox.rows, 10, "the next message leaves")
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    assert bench.wire.closed == 2
    assert bench.told.shards[-1] == 0
    assert bench.told.depths


@pytest.mark.parametrize(
    ("looks", "quiet", "pause"),
    [(1, 0.0, 0.005), (2, 0.1, 0.01), (4, 1.0, 0.04), (50, 4.9, 0.04), (1, 5.1, 0.1)],
)
def test_pauses_are_short_after_a_message_and_bounded(
    looks: int, quiet: float, pause: float
) -> None:
    assert Pauses().after(looks, quiet) == pytest.approx(pause)


def test_metrics_tell_depth_age_and_what_became_of_messages() -> None:
    registry = Registry()
    metrics, other = OutboxMetrics(registry, "accounts"), OutboxMetrics(registry, "checkout")
    metrics.published(3)
    metrics.refused(1)
    metrics.holds(8)
    metrics.measured(OutboxDepth(5, 2.5, 1))
    other.published(1)

    def value(name: str) -> float | None:
        return registry.get_sample_value(f"order_service_outbox_{name}", {"context": "accounts"})

    names = ("published_total", "refused_total", "leased_shards", "messages", "blocked_messages")
    assert [value(name) for name in names] == [3, 1, 8, 5, 1]
    assert value("oldest_age_seconds") == 2.5
