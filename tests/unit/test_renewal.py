"""Orders that are asked for over and over are read anew before their time is up."""

import threading
from collections.abc import Mapping, Sequence

from order_service.contexts.orders.model import Document
from order_service.contexts.orders.ports import ABSENT, Absent
from order_service.contexts.orders.renewal import Renewal
from order_service.infra.local_cache import LocalCache
from tests.fakes import Clock
from tests.waiting import eventually


class Shared:
    """A shared cache that remembers its questions."""

    def __init__(self, entries: Mapping[str, Document | Absent]) -> None:
        self.entries = dict(entries)
        self.asked: list[list[str]] = []

    def get_many(self, uids: Sequence[str]) -> Mapping[str, Document | Absent]:
        self.asked.append(sorted(uids))
        return {uid: self.entries[uid] for uid in uids if uid in self.entries}


def document(text: str) -> Document:
    return Document.of_body(text.encode())


def local_of(clock: Clock) -> LocalCache[Document]:
    return LocalCache[Document](1000, 1.0, clock, lambda: 0.0)


def test_what_is_asked_for_when_its_time_is_nearly_up_is_read_anew() -> None:
    clock = Clock()
    local = local_of(clock)
    shared = Shared({"a": document("new"), "b": document("b"), "d": ABSENT})
    renewal = Renewal(shared, local)  # type: ignore[arg-type]  # only this one of its methods
    local.ending = renewal.note
    for uid in "abcd":
        local.put(uid, document("old"))
    clock.now += 0.7
    assert local.get("b") == document("old")  # too early
    clock.now += 0.2
    for uid in "acda":
        assert local.get(uid) == document("old")
    renewal.renew()
    assert shared.asked == [["a", "c", "d"]]
    assert local.get("a") == document("new")
    clock.now += 0.5
    assert local.get("a") == document("new")
    # Nobody asked for b; the cache has no c, and no order d any more: a lookup will find out.
    assert [local.get(uid) for uid in "bcd"] == [None, None, None]


def test_many_are_read_anew_by_few_questions_of_a_bounded_size() -> None:
    local = local_of(Clock())
    uids = [f"{number:03}" for number in range(150)]
    shared = Shared({uid: document(uid) for uid in uids})
    renewal = Renewal(shared, local)  # type: ignore[arg-type]  # see above
    for uid in uids:
        renewal.note(uid)
    renewal.renew()
    assert sorted(map(len, shared.asked)) == [22, 64, 64]
    assert all(local.get(uid) == document(uid) for uid in uids)


def test_it_reads_in_the_background_until_it_is_stopped() -> None:
    local = local_of(Clock())
    shared = Shared({"a": document("a")})
    renewal, stopping = Renewal(shared, local), threading.Event()  # type: ignore[arg-type]  # see above
    thread = threading.Thread(target=renewal.run, args=[stopping])
    thread.start()
    renewal.note("a")
    eventually(lambda: local.get("a") is not None, 20, "it is read anew")
    stopping.set()
    thread.join(20)
    assert not thread.is_alive()
    assert shared.asked == [["a"]]
