"""`order-service accounts ...` on the real database."""

import json
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner, Result

from order_service.cli import main
from order_service.contexts.accounts import hashing
from order_service.contexts.accounts.errors import (
    AccountDisabledError,
    ThrottledError,
    WrongCredentialsError,
)
from order_service.contexts.accounts.model import Client
from tests.backends import Environ
from tests.integration.accounts.bench import (
    CHEAP,
    PASSWORD,
    WRONG,
    AccountsBench,
    fails_with,
)


@pytest.fixture
def command(
    bench: AccountsBench, shared_database: Environ, monkeypatch: pytest.MonkeyPatch
) -> CliRunner:
    assert not bench.events
    monkeypatch.setattr(hashing, "PARAMETERS", CHEAP)
    for name, value in shared_database.items():
        monkeypatch.setenv(name, value)
    return CliRunner()


def run(command: CliRunner, *arguments: str, stdin: str = "") -> Result:
    return command.invoke(main, ["accounts", *arguments], input=stdin)


def create(command: CliRunner, *arguments: str) -> UUID:
    made = run(command, "create", *arguments, stdin=f"{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    return UUID(made.stdout.strip().splitlines()[-1])


def test_an_operator_creates_an_admin_who_can_sign_in(
    command: CliRunner, bench: AccountsBench, admin: psycopg.Connection[object]
) -> None:
    admin.execute("TRUNCATE accounts.outbox")
    person_id = create(command, "root", "--name", "Root", "--birthday", "1990-02-28", "--admin")
    tokens = bench.login("root")
    assert tokens.person_id == person_id
    person = bench.people.person(person_id)
    assert person
    assert (person.admin, person.name, str(person.birthday)) == (True, "Root", "1990-02-28")
    assert admin.execute("SELECT count(*) FROM accounts.outbox").fetchone() == (1,)


@pytest.mark.parametrize(
    ("login", "password", "words"),
    [("ann", "short", "at least 10"), ("a b", PASSWORD, "no spaces"), ("ann", "", "password")],
)
def test_what_breaks_a_rule_is_said_in_a_line(
    command: CliRunner, login: str, password: str, words: str
) -> None:
    failed = run(command, "create", login, stdin=f"{password}\n")
    assert failed.exit_code == 1
    assert words in failed.output
    assert len(failed.output.strip().splitlines()) == 1


def test_a_login_that_is_taken_and_somebody_who_is_not_there_are_named(
    command: CliRunner, bench: AccountsBench
) -> None:
    bench.register()
    taken = run(command, "create", "ANN", stdin=f"{PASSWORD}\n")
    assert (taken.exit_code, "the login ANN" in taken.output) == (1, True)
    for name in ("make-admin", "disable", "unlock", "export", "erase"):
        options = ["--yes"] if name == "erase" else []
        missing = run(command, name, "nobody", *options)
        assert (missing.exit_code, "login or id nobody" in missing.output) == (1, True)


def test_an_address_that_has_to_wait_is_let_in_again(
    command: CliRunner, bench: AccountsBench
) -> None:
    bench.register()
    client = Client("2001:db8:1:2::/64", "")
    for number in range(5):
        with fails_with(WrongCredentialsError):
            bench.login(f"nobody{number}", WRONG, client)
    with fails_with(ThrottledError):
        bench.login(client=client)
    told = run(command, "unlock-address", "2001:db8:1:2:ffff::9")
    assert told.stdout == "unlocked 2001:db8:1:2::/64\n"
    assert bench.login(client=client)
    assert "did not have to wait" in run(command, "unlock-address", "192.0.2.1").stdout
    assert run(command, "unlock-address", "here").exit_code == 2


def test_an_account_is_closed_opened_and_erased(command: CliRunner, bench: AccountsBench) -> None:
    tokens = bench.register()
    assert run(command, "disable", "ann").exit_code == 0
    with fails_with(AccountDisabledError):
        bench.login()
    assert run(command, "unlock", str(tokens.person_id)).exit_code == 0
    assert bench.login()
    exported = json.loads(run(command, "export", "ann").stdout)
    assert exported["person"]["id"] == str(tokens.person_id)
    assert run(command, "erase", "ann", stdin="n\n").exit_code == 1
    assert bench.login()
    erased = run(command, "erase", "ann", "--yes")
    assert erased.stdout.strip() == f"erased {tokens.person_id}"
    with fails_with(WrongCredentialsError):
        bench.login()


def test_rights_are_given_and_taken(command: CliRunner, bench: AccountsBench) -> None:
    person_id = bench.register().person_id
    for options, expected in (((), True), (("--revoke",), False)):
        assert run(command, "make-admin", "ann", *options).exit_code == 0
        person = bench.people.person(person_id)
        assert person
        assert person.admin is expected


def test_keys_are_rotated(command: CliRunner, bench: AccountsBench) -> None:
    # The database of this test may be older than a next key must be.
    assert run(command, "rotate-keys", "--now").exit_code == 0
    bench.keeping.refresh()
    early = run(command, "rotate-keys")
    assert (early.exit_code, "--now" in early.output) == (1, True)
    before = bench.keeping.keys().current.kid
    assert run(command, "rotate-keys", "--now").exit_code == 0
    bench.keeping.refresh()
    assert bench.keeping.keys().current.kid != before
    assert before in bench.keeping.keys().verifying
    assert run(command, "rotate-keys", "--now", "--drop-current").exit_code == 0
    dropped = bench.keeping.keys().current.kid
    bench.keeping.refresh()
    assert dropped not in bench.keeping.keys().verifying
    assert "key 2" in run(command, "rotate-keys", "--refresh").stdout
    assert len(bench.key_store.refresh_keys()) == 2
