"""Wallets, purchases and relays, while one primary takes the place of another.

What was acknowledged is there, no money moves twice, and whoever held a lease on the old primary
has lost it.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from order_service.context import backends
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.session import Session
from order_service.messaging.outbox.adding import SHARDS
from order_service.messaging.outbox.postgres_lease import PostgresLease
from tests.backends import process_of
from tests.chaos.service import Service
from tests.chaos.shop_check import await_quiet, check_shop
from tests.chaos.shop_customers import Customers
from tests.cluster.faults import (
    befall,
    crash_primary,
    freeze_primary,
    kill_primary,
    switch_over,
)
from tests.cluster.stack import ClusterStack
from tests.shop import WORKERS, open_shop
from tests.waiting import eventually

pytestmark = [pytest.mark.apache_kafka, pytest.mark.timeout(600)]

PURCHASES, CUSTOMERS, SEED = 600, 4, 21


@pytest.fixture(scope="module")
def workers(stack: ClusterStack) -> list[Service]:
    """Two of each, so that one takes over what the other one has to leave."""
    stack.create_topics()
    services = [stack.worker(name) for name in (*WORKERS, *WORKERS)]
    for service in services:
        service.await_status(200, 90)
    return services


@contextmanager
def lease_of(stack: ClusterStack) -> Iterator[PostgresLease]:
    """A lease of a relay of payments, taken where the primary is now."""
    with process_of(stack.environ()) as process:
        settings = backends.primary(process.config, 1).settings
        session = Session(settings.conninfo, settings.call_timeout)
        with closing(PostgresLease(session, "payments")) as lease:
            yield lease


def test_a_lease_on_the_old_primary_is_lost_when_it_wakes_up(stack: ClusterStack) -> None:
    cluster = stack.cluster
    with lease_of(stack) as old:
        assert len(old.share()) == SHARDS
        mend = freeze_primary(cluster)
        eventually(lambda: any(each.leads() for each in cluster.members.values()), 90, "a new one")
        with lease_of(stack) as new:
            assert len(new.share()) == SHARDS
            mend()
            for act in (old.confirm, lambda: old.pending(1, 1), lambda: old.sent([1])):
                with pytest.raises(UnavailableError):
                    act()
            assert len(new.share()) == SHARDS
            new.confirm()
    cluster.await_whole()


def test_a_member_that_was_cut_off_leads_no_more_when_another_one_does(
    stack: ClusterStack,
) -> None:
    # The one that stepped down refuses what was connected to it, so that nobody writes there.
    cluster = stack.cluster
    old = cluster.leader()
    with psycopg.connect(stack.dsn, autocommit=True) as connection:
        assert connection.info.port == old.port
        connection.execute("CREATE TABLE IF NOT EXISTS public.written (at timestamptz)")
        line = cluster.lines[old.name]
        line.refuse()
        eventually(lambda: not old.leads(), 60, "it has stepped down")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("INSERT INTO public.written VALUES (now())")
    line.heal()
    cluster.await_whole()


def test_a_commit_that_waits_for_its_standby_is_acknowledged_by_no_timeout(
    stack: ClusterStack,
) -> None:
    cluster = stack.cluster
    cluster.await_whole()
    (standby,) = cluster.synchronous(cluster.leader())
    with psycopg.connect(stack.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.written (at timestamptz)")
        connection.execute("SET statement_timeout = '200ms'")
        standby.suspend()
        began = time.monotonic()
        # Until it has said nothing for wal_sender_timeout, and Patroni takes another one.
        connection.execute("INSERT INTO public.written VALUES (now())")
        assert time.monotonic() - began > 1
        standby.resume()
    cluster.await_whole()


def test_what_was_bought_is_paid_for_once_whoever_is_primary(
    stack: ClusterStack, workers: list[Service]
) -> None:
    assert workers
    with open_shop(stack.environ()) as shop:
        customers = Customers(shop, CUSTOMERS, SEED, PURCHASES)
        customers.start()
        for fault in (switch_over, crash_primary, kill_primary):
            befall(stack.cluster, fault)
        customers.finish(300)
    await_quiet(stack.dsn)
    census = check_shop(stack.dsn, stack.environ(), customers)
    assert census["approved"] > 0
