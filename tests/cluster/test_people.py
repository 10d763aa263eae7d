"""Registrations and points, while one primary takes the place of another.

Who was told to be registered can sign in, and gets the points for it once; each number of an order
is credited once.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

import psycopg
import pytest

from tests.chaos.accrual_system import UnreliableAccrual
from tests.chaos.points_check import add_numbers, check_points
from tests.cluster.faults import befall, kill_primary
from tests.cluster.stack import ClusterStack
from tests.integration.accounts.bench import PASSWORD
from tests.integration.accounts.site import Site, site
from tests.waiting import eventually

pytestmark = [pytest.mark.apache_kafka, pytest.mark.timeout(600)]

NUMBERS, OWNERS = 800, 20
POINTS = 100_00
_WORKERS = ("accounts-relay", "loyalty-registrations", "loyalty-poller", "loyalty-poller")

_OPEN = "SELECT count(*) FROM loyalty.orders WHERE due_at IS NOT NULL"
# Leases last half a minute, pauses grow to ten: time goes by faster here.
_HURRY = "UPDATE loyalty.orders SET due_at = now() WHERE due_at > now()"
_GREETED = """
    SELECT person.login, count(entry), coalesce(sum(entry.amount), 0)
    FROM accounts.people AS person
    LEFT JOIN loyalty.entries AS entry ON entry.owner = person.id AND entry.kind = 'bonus'
    GROUP BY person.login
"""


@contextmanager
def accrual_system() -> Iterator[Mapping[str, str]]:
    """Run one that answers badly; give what the pollers are told of it."""
    system = UnreliableAccrual(5)
    system.start()
    try:
        yield {"LOYALTY_ACCRUAL_ADDRESS": f"http://127.0.0.1:{system.port}"}
    finally:
        system.stop()


class Registrar:
    """Registers one person after the other, whatever the answers are, until it is left.

    Attributes:
        told: Logins of those who were told that they are registered.
        answers: By status.
    """

    def __init__(self, place: Site) -> None:
        self.told: list[str] = []
        self.answers = Counter[int]()
        self._place = place
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.05):
            login = f"person-{self.answers.total()}"
            wanted = {"login": login, "password": PASSWORD}
            status = self._place.post("/auth/registration", wanted).status_code
            self.answers[status] += 1
            if status == 200:
                self.told.append(login)


def test_the_registered_stay_so_and_points_are_credited_once(stack: ClusterStack) -> None:
    topic = {"ACCOUNTS_TOPIC": f"{stack.topic}.people"}
    topic |= {"LOYALTY_REGISTRATION_TOPIC": topic["ACCOUNTS_TOPIC"]}
    topic |= {"LOYALTY_GROUP_ID": topic["ACCOUNTS_TOPIC"]}
    unbounded = {"ACCOUNTS_THROTTLE_REGISTRATIONS_PER_MINUTE": "0"}
    with accrual_system() as address, site(stack.environ() | topic, **unbounded) as place:
        with psycopg.connect(stack.dsn, autocommit=True) as admin:
            add_numbers(admin, NUMBERS, OWNERS)
        for name in _WORKERS:
            stack.worker(name, **topic, **address).await_status(200, 60)
        with Registrar(place) as registrar:
            befall(stack.cluster, kill_primary)
        assert registrar.answers.keys() <= {200, 503}
        _check_people(stack, place, registrar.told)
        _check_points(stack)


def _check_people(stack: ClusterStack, place: Site, told: list[str]) -> None:
    # Those who got 503 may be registered as well: nobody could tell them.
    eventually(lambda: set(_greeted(stack).values()) == {(1, POINTS)}, 60, "all got their points")
    assert told
    assert set(told) <= _greeted(stack).keys()
    assert {place.login(login).status_code for login in told[-20:]} == {200}


def _greeted(stack: ClusterStack) -> Mapping[str, tuple[int, int]]:
    """Return how often, and with how many points, each person was greeted."""
    with psycopg.connect(stack.dsn, autocommit=True) as admin:
        rows = admin.execute(_GREETED).fetchall()
    return {login: (count, int(points)) for login, count, points in rows}


def _check_points(stack: ClusterStack) -> None:
    eventually(lambda: _left(stack) == 0, 120, "every number is finished")
    with psycopg.connect(stack.dsn, autocommit=True) as admin:
        check_points(admin, NUMBERS)


def _left(stack: ClusterStack) -> int:
    with psycopg.connect(stack.dsn, autocommit=True) as admin:
        admin.execute(_HURRY)
        time.sleep(0.5)  # what is due is asked about meanwhile
        row = admin.execute(_OPEN).fetchone()
    return int(row[0]) if row else 0
