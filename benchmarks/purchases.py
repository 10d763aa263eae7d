"""Purchases: accepted, settled end to end, how long a customer waits, and what a million changes.

The other side is a bare loop: as many threads, each committing one row of a purchase's size after
the other on the same durable Postgres, without HTTP, rules, Kafka or a ledger. A purchase needs
four such transactions, in four processes.
"""

import contextlib
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import psycopg
from werkzeug.test import Client

from benchmarks import command
from benchmarks.harness import Goal, Row, Scale, at_most, say
from benchmarks.shop import WISH, create_topics, working
from benchmarks.stack import Stack, await_that, running_stack
from order_service.bootstrap.api_process import make_services
from order_service.bootstrap.contexts import installed
from order_service.context.process import Process
from order_service.http.api_part import ApiPart
from order_service.http.app import create_wsgi
from order_service.http.authentication import TOKEN, Principal
from order_service.infra.resources import bundled

_THREADS = 8  # http.threads
_OWNERS = 200
_PATIENCE_S = 300.0

_BARE = """
    CREATE TABLE IF NOT EXISTS public.bare (
        id uuid PRIMARY KEY, owner uuid, body text, created_at timestamptz DEFAULT clock_timestamp()
    )
"""
_FILL = """
    WITH made AS (
        SELECT gen_random_uuid() AS id, owner.id AS owner
        FROM generate_series(1, %(each)s), unnest(%(owners)s::uuid[]) AS owner (id)
    ), bought AS (
        INSERT INTO checkout.purchases (
            id, owner, product_id, description, quantity, price, currency, status, settled_at,
            awaiting_since, ask_at
        )
        SELECT id, owner, '2389212', 'Mascaras', 1, 199, 'USD', 'approved', now(), NULL, now()
        FROM made
    ), paid AS (
        INSERT INTO payments.payments (purchase, owner, amount, currency, outcome)
        SELECT id, owner, 199, 'USD', 'approved' FROM made
    )
    INSERT INTO payments.entries (
        owner, transfer, leg, kind, source, target, amount,
        source_balance, target_balance, target_credited
    )
    SELECT owner, id, 1, 'purchase', 'wallet:USD', 'spent:USD', 199, 0, 0, 0 FROM made
"""


class _Trusting:
    """Takes the id of a person for a credential, so that nothing but purchases is measured."""

    kind = TOKEN

    def principal(self, credential: str, *, fresh: bool) -> Principal:  # noqa: ARG002
        return Principal(credential, frozenset({"wallet", "purchases"}), TOKEN)


class _Shop:
    """The API in this process, and customers with enough money."""

    def __init__(self, client: Client, stack: Stack) -> None:
        self._client = client
        self._stack = stack
        self.owners = [str(uuid.uuid4()) for _ in range(_OWNERS)]
        for owner in self.owners:
            self._post(owner, "/wallet", {})
            self._post(owner, "/wallet/deposits", {"amount": 2_000_000_000})
        self._next = itertools.cycle(self.owners)

    def buy(self) -> None:
        """Have one purchase accepted."""
        self._post(next(self._next), "/purchases", WISH)

    def unsettled(self) -> int:
        """How many purchases wait."""
        with self._stack.connect() as connection:
            query = "SELECT count(*) FROM checkout.purchases WHERE awaiting_since IS NOT NULL"
            row = connection.execute(query).fetchone()
        return int(str(row[0])) if row else 0

    def _post(self, owner: str, path: str, body: object) -> None:
        answer = self._client.post(path, json=body, headers={"Authorization": f"Bearer {owner}"})
        if answer.status_code >= 300:  # noqa: PLR2004 - not well
            raise RuntimeError(f"{path}: {answer.status} {answer.get_data(as_text=True)}")


@contextlib.contextmanager
def _open_shop(stack: Stack) -> Iterator[_Shop]:
    contexts = installed()
    config = contexts.load_config(bundled("config.yml"), stack.environment())
    with Process(config, scopes=contexts.scopes) as process:
        services = make_services(process, contexts)
        parts = [replace(part, authenticators=()) for part in services.parts]
        people = ApiPart(authenticators=[_Trusting()])
        yield _Shop(Client(create_wsgi(replace(services, parts=[*parts, people]))), stack)


def _rate(work: Callable[[], object], count: int) -> float:
    """Return how often a second `work` is done, by as many threads as the API has."""
    numbers = iter(range(count))
    lock = threading.Lock()

    def run() -> None:
        while True:
            with lock:
                if next(numbers, None) is None:
                    return
            work()

    threads = [threading.Thread(target=run) for _ in range(_THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.perf_counter() - began)


class _Bare:
    """Commits one row after the other."""

    def __init__(self, stack: Stack) -> None:
        self._local = threading.local()
        self._stack = stack
        with stack.connect() as connection:
            connection.execute(_BARE)

    def insert(self) -> None:
        """Commit one row."""
        connection: psycopg.Connection[tuple[object, ...]] | None
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._stack.connect()
        connection.execute(
            "INSERT INTO public.bare (id, owner, body) VALUES (%s, %s, %s)",
            (uuid.uuid4(), uuid.uuid4(), "x" * 100),
            prepare=True,
        )


class _Rates(NamedTuple):
    """Purchases a second that are accepted, and settled."""

    accepted: float
    settled: float


@contextlib.contextmanager
def _worked_off(stack: Stack, shop: _Shop, count: int) -> Iterator[_Rates]:
    """Have a backlog accepted and settled; its workers go on for the length of the block."""
    accepted = _rate(shop.buy, count)
    began = time.perf_counter()
    with working(stack):
        # The start of the workers is not what is measured.
        ready = time.perf_counter()
        left = shop.unsettled()
        await_that(lambda: shop.unsettled() == 0, "all are settled", _PATIENCE_S)
        ended = time.perf_counter()
        settled = left / (ended - ready) if left > count / 2 else count / (ended - began)
        yield _Rates(say("accepted", accepted), say("settled", settled))


def _waits(stack: Stack, shop: _Shop, rate: float, seconds: float) -> float:
    """Return the 99th percentile of the milliseconds from accepted to settled, at a steady rate."""
    with stack.connect() as connection:
        since = _now(connection)
        _buy_steadily(shop, rate, seconds)
        await_that(lambda: shop.unsettled() == 0, "all are settled", _PATIENCE_S)
        row = connection.execute(
            "SELECT percentile_cont(0.99) WITHIN GROUP ("
            "ORDER BY extract(epoch FROM settled_at - created_at)) "
            "FROM checkout.purchases WHERE created_at > %s",
            (since,),
        ).fetchone()
    return float(str(row[0])) * 1000 if row else 0.0


def _buy_steadily(shop: _Shop, rate: float, seconds: float) -> None:
    began = time.perf_counter()
    for number in range(round(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        shop.buy()


def _now(connection: "psycopg.Connection[tuple[object, ...]]") -> object:
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    return row[0] if row else None


def _fill(stack: Stack, shop: _Shop, count: int) -> None:
    """Add purchases that were settled long ago."""
    with stack.connect() as connection:
        connection.execute(_FILL, {"each": count // _OWNERS, "owners": shop.owners})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def run(scale: Scale) -> Sequence[Row]:
    """Measure all of it on one stack."""
    count, stored = max(400, scale.orders // 20), scale.stored // 5
    with running_stack(with_kafka=True) as stack:
        create_topics(stack)
        with _open_shop(stack) as shop:
            return [*_throughput(stack, shop, scale, count), *_growth(stack, shop, scale, stored)]


def _throughput(stack: Stack, shop: _Shop, scale: Scale, count: int) -> Sequence[Row]:
    bare = _Bare(stack)
    both, loops, waits = [], [], []
    _rate(shop.buy, count // 4)
    for _ in range(scale.pairs):
        loops.append(say("bare", _rate(bare.insert, count)))
        with _worked_off(stack, shop, count) as rates:
            both.append(rates)
            waits.append(say("p99 ms", _waits(stack, shop, min(rates) / 2, scale.seconds * 2)))
    accepted, settled = ([*figures] for figures in zip(*both, strict=True))
    facts = (
        f"{count:,} purchases a run, {_THREADS} threads, one process of each worker; a bare INSERT "
        f"loop beside it came to {median(loops):,.0f} a second"
    )
    return [
        Row(
            "Purchases accepted", "", Goal(800, at_least=True, unit="/s"), accepted, [], "/s",
            facts,
        ),
        Row(
            "Purchases settled end to end", "", Goal(500, at_least=True, unit="/s"), settled, [],
            "/s", f"{facts}; a backlog is worked off",
        ),
        Row(
            "From accepted to settled, 99th percentile", "",
            at_most(300, "ms"), waits, [], "ms",
            "at half of the lower of both rates, by workers that have just worked off that backlog",
        ),
    ]  # fmt: skip


def _growth(stack: Stack, shop: _Shop, scale: Scale, stored: int) -> Sequence[Row]:
    """Compare the cost of a purchase at `stored` purchases with that at ten times as many."""
    per_run = max(400, scale.orders // 30)
    _fill(stack, shop, stored // 10)
    before = [1000 / _whole_rate(stack, shop, per_run) for _ in range(scale.pairs)]
    _fill(stack, shop, stored - stored // 10)
    after = [1000 / _whole_rate(stack, shop, per_run) for _ in range(scale.pairs)]
    facts = f"{stored // 10:,} and {stored:,} purchases; {per_run:,} a run, accepted and settled"
    return [
        Row(
            "Cost of a purchase with ten times as many stored", "with a tenth of them",
            at_most(1.25), after, before, "ms", facts,
        )
    ]  # fmt: skip


def _whole_rate(stack: Stack, shop: _Shop, count: int) -> float:
    with _worked_off(stack, shop, count) as rates:
        return 1 / (1 / rates.accepted + 1 / rates.settled)


if __name__ == "__main__":
    command.main(run, __doc__)
