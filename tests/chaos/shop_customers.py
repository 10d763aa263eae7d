"""Customers of a shop whose servers break: they insist, and remember what they were promised."""

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.shop import DELIVERY, Person, Shop, wish

_MOST_PATIENT_S = 120.0


@dataclass
class Promised:
    """What the shop has acknowledged to one person.

    Attributes:
        deposits: The sum of what was deposited.
        purchases: Ids of what was bought.
        refusals: Statuses of answers that were no promise.
    """

    deposits: int = 0
    purchases: list[str] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)


class Customers:
    """Persons who deposit, buy, return and cancel, each with a thread of his own.

    Args:
        shop: Where.
        count: How many.
        seed: What they do, though not when.
        enough: Purchases after which all of them stop.
    """

    def __init__(self, shop: Shop, count: int, seed: int, enough: int) -> None:
        self.promised: dict[str, Promised] = {}
        self._enough = enough
        self._begun = 0
        self._lock = threading.Lock()
        self._gate = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._shop, args=(shop.person(), Random(f"{seed}/{number}")))  # noqa: S311
            for number in range(count)
        ]

    def start(self) -> None:
        """Let them in."""
        for thread in self._threads:
            thread.start()

    def finish(self, seconds: float) -> None:
        """Wait until they have bought enough; raise what any of them stumbled over."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
            assert not thread.is_alive(), f"only {self.count} purchases"
        if self._failures:
            raise self._failures[0]

    @property
    def count(self) -> int:
        """How many purchases were acknowledged."""
        return sum(len(each.purchases) for each in self.promised.values())

    def _shop(self, person: Person, dice: Random) -> None:
        promised = self.promised[str(person.id)] = Promised()
        try:
            self._insist(person, promised, "/wallet")
            while self._takes_one():
                self._step(person, promised, dice)
        except BaseException as error:  # noqa: BLE001 - for the thread that waits
            self._failures.append(error)

    def _takes_one(self) -> bool:
        with self._lock:
            self._begun += 1
            return self._begun <= self._enough

    def _step(self, person: Person, promised: Promised, dice: Random) -> None:
        if dice.random() < 0.1:
            amount = dice.randint(1, 20_000)
            self._insist(person, promised, "/wallet/deposits", {"amount": amount})
            promised.deposits += amount
        more = {"delivery": DELIVERY} if dice.random() < 0.1 else {}
        wanted = wish(dice.randint(1, 3_000), **more)
        bought = self._insist(person, promised, "/purchases", wanted)
        promised.purchases.append(bought["id"])
        if dice.random() < 0.15:
            again = dice.choice(promised.purchases[-20:])
            what = dice.choice(["refund", "cancellation", "retry"])
            # One that is in no such state is refused, which is fine.
            self._insist(person, promised, f"/purchases/{again}/{what}", fine=(200, 202, 409))

    def _insist(
        self,
        person: Person,
        promised: Promised,
        path: str,
        body: object = None,
        fine: tuple[int, ...] = (200, 201, 202),
    ) -> Any:  # noqa: ANN401 - JSON
        """Ask until there is an answer, with the same key each time."""
        end = time.monotonic() + _MOST_PATIENT_S
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        while True:
            answer = person.ask("POST", path, body, headers=headers)
            if answer.status_code in fine:
                return answer.get_json()
            promised.refusals[answer.status_code] += 1
            assert answer.status_code in {409, 503}, answer.get_data()
            assert time.monotonic() < end, f"no answer: {answer.get_data()!r}"
            time.sleep(0.1)  # as long as a client waits that was told to come again
