"""A database of version 1.0 is taken over where it is, with all that is in it.

`tests/data/1.0` holds a dump of one, which says how it was made, and that version's migrations.
"""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from yoyo import get_backend, read_migrations

from order_service.contexts.access.model import StoredKey, digest_of
from order_service.contexts.access.postgres import PostgresKeys
from order_service.contexts.orders.ports import Outcome
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from tests.backends import Environ, connect, migrator_of, process_of
from tests.builders import ROOT, items, record
from tests.integration.test_migrations import IDS, migrating, schema_of, waits
from tests.waiting import eventually

DATA = ROOT / "tests/data/1.0"
ROLE = "service_of_the_dump"
FORMER = {
    "0001-create-orders",
    "0002-create-service-role",
    "0001-create-api-keys",
    "0002-let-the-service-read-keys",
}
KEPT = ("access", "orders")  # the contexts that 1.0 had
TAKEN_OVER = {id_ for id_ in IDS if id_.partition("/")[0] in {"service", *KEPT}}
LATER = set(IDS) - TAKEN_OVER


@pytest.fixture
def old_database(empty_database: Environ) -> Environ:
    """The dump, restored into a database of the test's own, with a role of its own."""
    role, password = empty_database["POSTGRES_USER"], empty_database["POSTGRES_PASSWORD"]
    dump = (DATA / "database.sql").read_text()
    with connect(empty_database, admin=True) as admin:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        admin.execute(create.format(sql.Identifier(role), sql.Literal(password)))
        admin.execute(dump.replace(ROLE, role).encode())
    return empty_database


def record_of(environ: Environ) -> set[str]:
    """The ids that yoyo has on record."""
    with connect(environ, admin=True) as admin:
        return {id_ for (id_,) in admin.execute("SELECT migration_id FROM _yoyo_migration")}


def content_of(environ: Environ) -> dict[str, Any]:
    """All rows of all tables of the contexts, where they lie and who wrote them last."""
    tables = ("orders.orders", "orders.deliveries", "orders.payments", "orders.items")
    query = sql.SQL("SELECT xmin, ctid, * FROM {} ORDER BY ctid")
    with connect(environ, admin=True) as admin:
        return {
            table: admin.execute(query.format(sql.Identifier(*table.split(".")))).fetchall()
            for table in (*tables, "access.api_keys")
        }


def test_it_is_taken_over_once_and_nothing_in_it_changes(old_database: Environ) -> None:
    before, schema = content_of(old_database), schema_of(old_database)
    assert record_of(old_database) == FORMER
    with migrator_of(old_database, *KEPT) as migrator:
        assert all(status.applied for status in migrator.status())
        assert record_of(old_database) == FORMER
        assert migrator.up() == []
        assert record_of(old_database) == TAKEN_OVER
        assert all(status.applied for status in migrator.status())
        assert migrator.up() == []
    assert content_of(old_database) == before
    assert schema_of(old_database) == schema


def test_the_contexts_that_came_later_are_added_beside_what_it_has(old_database: Environ) -> None:
    before = content_of(old_database)
    with migrator_of(old_database) as migrator:
        assert set(migrator.up()) == LATER
        assert migrator.up() == []
    assert record_of(old_database) == set(IDS)
    assert content_of(old_database) == before


def test_its_schema_is_that_of_a_new_database(old_database: Environ) -> None:
    taken_over = schema_of(old_database)
    with migrator_of(old_database, *KEPT) as migrator:
        migrator.down(100)
        migrator.up()
    assert schema_of(old_database) == taken_over


def test_orders_and_keys_are_served_from_it(old_database: Environ) -> None:
    with migrator_of(old_database) as migrator:
        migrator.up()
    with process_of(old_database) as process:
        database = process.database(2, ISOLATION)
        orders, keys = PostgresOrders(database), PostgresKeys(database)
        assert orders.find("order-3") == record("order-3", items=items(3)).document
        replaced = record("order-2", items=items(1), locale="ru")
        assert orders.find("order-2") == replaced.document
        assert orders.save([record("order-1", offset=9)]) == {"order-1": Outcome.REPLACED}
        digest = digest_of("osk_" + "a" * 43)
        assert digest
        assert keys.valid() == [StoredKey("shop", digest, frozenset({"orders:read"}))]


def test_every_migration_of_it_can_be_undone_and_done_again(old_database: Environ) -> None:
    schema = schema_of(old_database)
    with migrator_of(old_database, *KEPT) as migrator:
        for count in range(1, len(migrator.status()) + 1):
            undone = migrator.down(count)
            assert len(undone) == count
            assert [status.applied for status in migrator.status()].count(False) == count
            assert list(migrator.up()) == list(undone)[::-1]
            assert schema_of(old_database) == schema


def test_what_version_1_0_left_undone_is_done(old_database: Environ) -> None:
    """A starter of 1.0 was killed before its last migration, or before it was on record."""
    with connect(old_database, admin=True) as admin:
        admin.execute("DELETE FROM _yoyo_migration WHERE migration_id LIKE '%read-keys'")
    with migrator_of(old_database, *KEPT) as migrator:
        assert migrator.up() == ["access/0002-let-the-service-read-keys"]
        assert all(status.applied for status in migrator.status())


def test_several_starters_take_it_over_once(old_database: Environ) -> None:
    before = content_of(old_database)
    starters = [migrating(old_database) for _ in range(3)]
    outputs = [starter.communicate(timeout=60) for starter in starters]
    told = sorted(line for out, _ in outputs for line in out.splitlines())
    applied = [line for line in told if line != "nothing to apply"]
    assert applied == sorted(f"applied {id_}" for id_ in LATER), outputs
    assert len(told) - len(applied) == 2, outputs
    assert record_of(old_database) == set(IDS)
    assert content_of(old_database) == before


def test_a_starter_that_is_killed_while_it_takes_over_leaves_it_as_it_was(
    old_database: Environ,
) -> None:
    with connect(old_database, admin=True) as rival, rival.transaction():
        rival.execute("LOCK TABLE _yoyo_migration IN SHARE MODE")  # may be read, not changed
        starter = migrating(old_database)
        with connect(old_database, admin=True) as watcher:
            eventually(
                lambda: is_waiting(watcher),
                20,
                "the starter waits for the lock",
            )
        starter.send_signal(signal.SIGKILL)
        starter.communicate(timeout=20)
    with connect(old_database, admin=True) as watcher:
        eventually(lambda: not is_waiting(watcher), 20, "its statement has ended")
    assert record_of(old_database) in (FORMER, TAKEN_OVER)
    with migrator_of(old_database) as migrator:
        assert set(migrator.up()) == LATER
        assert record_of(old_database) == set(IDS)


def is_waiting(watcher: psycopg.Connection[Any]) -> bool:
    return waits(watcher, "DELETE FROM _yoyo_migration")


@contextlib.contextmanager
def starter_of_1_0(environ: Environ) -> Iterator[Any]:
    """yoyo as version 1.0 used it, with its migrations."""
    login = f"{environ['POSTGRES_ADMIN_USER']}:{environ['POSTGRES_ADMIN_PASSWORD']}"
    place = f"{environ['POSTGRES_HOST']}:{environ['POSTGRES_PORT']}/{environ['POSTGRES_DB']}"
    with (
        pytest.MonkeyPatch.context() as patch,
        get_backend(f"postgresql+psycopg://{login}@{place}") as backend,
    ):
        for name in ("POSTGRES_USER", "POSTGRES_PASSWORD"):
            patch.setenv(name, environ[name])
        yield backend


def test_a_starter_of_1_0_that_comes_later_does_no_harm(old_database: Environ) -> None:
    with migrator_of(old_database) as migrator:
        migrator.up()
        before, schema = content_of(old_database), schema_of(old_database)
        with starter_of_1_0(old_database) as backend:
            folders = [str(DATA / "migrations" / name) for name in ("access", "orders")]
            for migration in backend.to_apply(read_migrations(*folders)):
                backend.apply_one(migration)
        assert record_of(old_database) > FORMER
        assert all(status.applied for status in migrator.status())
        assert migrator.up() == []
        assert not record_of(old_database) & FORMER
    assert content_of(old_database) == before
    assert schema_of(old_database) == schema


def test_a_role_that_may_not_see_the_record_is_refused(old_database: Environ) -> None:
    own = old_database | {"POSTGRES_ADMIN_USER": "", "POSTGRES_ADMIN_PASSWORD": ""}
    with migrator_of(own) as migrator, pytest.raises(psycopg.errors.InsufficientPrivilege):
        migrator.up()
