"""What `order-service doctor` finds out for the contexts beside orders."""

import json
import socket
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from order_service.bootstrap.contexts import installed
from order_service.bootstrap.doctor import needs_of
from order_service.cli import main
from order_service.contexts.accounts.tokens.sealing import KeySealing
from tests.backends import Environ, config_of, connect

Finding = dict[str, str]


def found(subject: str, environ: Environ, **settings: str) -> list[Finding]:
    """What it says about one subject of the database."""
    result = CliRunner().invoke(main, ["doctor", "--json"], env=environ | settings)
    parts: dict[str, list[Finding]] = json.loads(result.stdout)["parts"]
    return [each for each in parts["postgres"] if each["subject"] == subject]


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def signing(migrated_database: Environ) -> Environ:
    """A database that has a key which signs, and lies open."""
    with connect(migrated_database, admin=True) as admin:
        admin.execute(
            "INSERT INTO accounts.signing_keys VALUES ('k', 'current', %s, now(), now())",
            [KeySealing("").seal("k", b"key")],
        )
    return migrated_database


def test_keys_that_lie_open_are_a_warning(signing: Environ) -> None:
    (finding,) = found("token keys", signing)
    assert finding["level"] == "warning"
    assert "ACCOUNTS_KEY_SECRET" in finding["remedy"]
    secret = "s" * 32
    (finding,) = found("token keys", signing, ACCOUNTS_KEY_SECRET=secret)
    assert finding["level"] == "warning"
    assert "accounts rotate-keys" in finding["remedy"]
    with connect(signing, admin=True) as admin:
        sealed = KeySealing(secret).seal("k", b"key")
        admin.execute("UPDATE accounts.signing_keys SET sealed = %s", [sealed])
    (finding,) = found("token keys", signing, ACCOUNTS_KEY_SECRET=secret)
    assert finding["level"] == "ok"


def test_a_new_database_has_no_key_yet(migrated_database: Environ) -> None:
    (finding,) = found("token keys", migrated_database)
    assert finding["level"] == "ok"
    assert "first API process" in finding["text"]


def test_a_shared_secret_needs_no_key(migrated_database: Environ) -> None:
    shared = {"ACCOUNTS_TOKEN_ALGORITHM": "HS256", "ACCOUNTS_TOKEN_SECRET": "s" * 32}
    (finding,) = found("token keys", migrated_database, **shared)
    assert "shared secret" in finding["text"]


def test_an_accrual_system_is_asked_for_where_one_is_named(migrated_database: Environ) -> None:
    assert found("accrual", migrated_database) == []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        (finding,) = found("accrual", migrated_database, LOYALTY_ACCRUAL_ADDRESS=address)
        assert finding["level"] == "ok"
    (finding,) = found("accrual", migrated_database, LOYALTY_ACCRUAL_ADDRESS=address)
    assert finding["level"] == "warning"
    assert "loyalty.accrual_address" in finding["remedy"]


@pytest.mark.parametrize("table", ["payments.entries", "checkout.purchases", "loyalty.orders"])
def test_a_right_that_a_context_lacks_is_a_fault(migrated_database: Environ, table: str) -> None:
    schema, name = table.split(".")
    role = psycopg.sql.Identifier(migrated_database["POSTGRES_USER"])
    revoke = psycopg.sql.SQL("REVOKE INSERT ON {} FROM {}")
    with connect(migrated_database, admin=True) as admin:
        admin.execute(revoke.format(psycopg.sql.Identifier(schema, name), role))
    (finding,) = found("rights", migrated_database)
    assert finding["level"] == "fault"
    assert table in finding["text"]


def test_whoever_sells_must_be_allowed_to_write_orders() -> None:
    config = config_of({"CONTEXTS_ENABLED": "checkout"})
    topics = {topic.name: topic.operations for topic in needs_of(installed(), config).topics}
    assert topics["orders"] == ("Write",)


def test_a_topic_that_two_contexts_use_is_looked_at_once() -> None:
    (orders,) = [
        each for each in needs_of(installed(), config_of({})).topics if each.name == "orders"
    ]
    assert set(orders.operations) == {"Read", "Write"}
    assert orders.group == "order-service"
