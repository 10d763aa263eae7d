"""Keys in the real database: what operators do, and what the service's role may do."""

import json
from collections.abc import Mapping

import psycopg
import pytest
from click.testing import CliRunner, Result

from order_service.cli import main
from order_service.context import backends
from order_service.contexts.access.errors import KeysUnavailableError
from order_service.contexts.access.model import StoredKey, digest_of
from order_service.contexts.access.postgres import PostgresKeys
from order_service.infra.postgres.database import Database
from tests.backends import Environ, connect, migrator_of


@pytest.fixture
def keys(admin: psycopg.Connection[object], database: Database) -> PostgresKeys:
    """The keys as the service sees them; there are none."""
    admin.execute("TRUNCATE access.api_keys")
    return PostgresKeys(database)


@pytest.fixture
def command(
    keys: PostgresKeys, shared_database: Environ, monkeypatch: pytest.MonkeyPatch
) -> CliRunner:
    assert not keys.valid()
    for name, value in shared_database.items():
        monkeypatch.setenv(name, value)
    return CliRunner()


def run(command: CliRunner, *arguments: str) -> Result:
    return command.invoke(main, ["keys", *arguments])


def test_a_new_key_is_shown_once_and_kept_as_its_digest(
    command: CliRunner, keys: PostgresKeys, admin: psycopg.Connection[object]
) -> None:
    made = run(command, "create", "shop", "--scope", "orders:read", "--scope", "metrics:read")
    key = made.stdout.strip()
    assert made.exit_code == 0
    assert len(key) == len("osk_") + 43
    digest = digest_of(key)
    assert digest
    assert keys.valid() == [StoredKey("shop", digest, frozenset({"orders:read", "metrics:read"}))]
    stored = str(admin.execute("SELECT api_keys::text FROM access.api_keys").fetchall())
    assert key not in stored
    assert key.removeprefix("osk_") not in stored


def test_a_revoked_key_is_not_valid_and_stays_on_record(
    command: CliRunner, keys: PostgresKeys
) -> None:
    run(command, "create", "shop", "--scope", "orders:read")
    assert run(command, "revoke", "shop").exit_code == 0
    assert keys.valid() == []
    (record,) = json.loads(run(command, "list", "--json").stdout)
    assert (record["name"], record["scopes"]) == ("shop", ["orders:read"])
    assert record["revoked_at"] >= record["created_at"]


def test_the_name_of_a_revoked_key_is_free_again(command: CliRunner, keys: PostgresKeys) -> None:
    first = run(command, "create", "shop", "--scope", "orders:read").stdout
    run(command, "revoke", "shop")
    second = run(command, "create", "shop", "--scope", "orders:read").stdout
    assert first != second
    assert [key.digest for key in keys.valid()] == [digest_of(second.strip())]
    assert run(command, "list").stdout.count("shop") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["create", "taken", "--scope", "orders:read"], 1, "already"),
        (["create", "a b", "--scope", "orders:read"], 1, "a name is"),
        (["create", "-"], 2, "--scope"),
        (["create", "a", "--scope", "orders:write"], 2, "orders:read"),
        (["revoke", "nobody"], 1, "no key nobody"),
    ],
)
def test_what_cannot_be_done_is_said(
    command: CliRunner, arguments: list[str], code: int, said: str
) -> None:
    run(command, "create", "taken", "--scope", "orders:read")
    result = run(command, *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_no_keys_are_said_to_be_none(command: CliRunner) -> None:
    assert run(command, "list").stdout == "no keys\n"


def test_a_database_that_is_away_is_said_to_be(
    command: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_PORT", "1")
    monkeypatch.setattr(backends, "CHECKOUT_TIMEOUT", 0.2)
    result = run(command, "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Error: " in result.stderr


def test_the_services_role_may_read_the_keys_and_nothing_else(
    command: CliRunner, keys: PostgresKeys, shared_database: Environ
) -> None:
    run(command, "create", "shop", "--scope", "orders:read")
    assert len(keys.valid()) == 1
    for statement in (
        "INSERT INTO access.api_keys SELECT * FROM access.api_keys",
        "UPDATE access.api_keys SET revoked_at = NULL",
        "DELETE FROM access.api_keys",
        "CREATE TABLE access.mine ()",
    ):
        with (
            connect(shared_database, admin=False) as service,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            service.execute(statement)
    with pytest.raises(KeysUnavailableError, match="permission denied"):
        keys.revoke("shop")


def test_the_migrations_go_back_and_forth(migrated_database: Environ) -> None:
    def exists(environ: Mapping[str, str]) -> bool:
        with connect(environ, admin=True) as admin:
            row = admin.execute("SELECT to_regclass('access.api_keys')").fetchone()
        return bool(row and row[0])

    with migrator_of(migrated_database, "access") as migrator:
        undone = migrator.down(2)
        assert not exists(migrated_database)
        assert sorted(migrator.up()) == sorted(undone)
    assert exists(migrated_database)
