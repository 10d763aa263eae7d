"""What operators do with accounts, in the database."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from order_service.contexts.accounts.errors import (
    AccountDisabledError,
    InvalidFieldsError,
    InvalidTokenError,
    LoginTakenError,
    NoSuchPersonError,
    SessionEndedError,
    ThrottledError,
    WrongCredentialsError,
)
from order_service.contexts.accounts.freshness import require_standing
from order_service.contexts.accounts.model import Attempt, Client, Profile
from order_service.contexts.accounts.postgres import Pruning, Retention
from order_service.contexts.accounts.signing_in import Registration
from order_service.infra.postgres.database import Database
from tests.integration.accounts.bench import (
    HERE,
    IDLE,
    LONGEST,
    PASSWORD,
    POLICY,
    WRONG,
    AccountsBench,
    fails_with,
)

SECRETS = ("ann@example.com", "Anna", "1990", "192.0.2.1", "Firefox", PASSWORD)


def test_whom_an_operator_creates_can_sign_in(bench: AccountsBench) -> None:
    person_id = bench.administration.create(Registration("ann", PASSWORD), POLICY)
    assert [each.id for each in bench.events] == [person_id]
    assert bench.login().person_id == person_id
    with fails_with(LoginTakenError):
        bench.administration.create(Registration("ANN", PASSWORD), POLICY)
    with fails_with(InvalidFieldsError):
        bench.administration.create(Registration("bob", "short"), POLICY)


def test_a_new_admin_signs_in_again_and_then_has_the_scopes(bench: AccountsBench) -> None:
    bench.revocations.refresh()
    before = bench.register()
    bench.administration.set_admin("ann", admin=True)
    with fails_with(SessionEndedError):
        bench.renew(before)
    identity = bench.verify(bench.login())
    assert identity.admin
    assert "orders:read" in identity.scopes


def test_who_is_an_admin_already_keeps_the_session(bench: AccountsBench) -> None:
    bench.register()
    bench.administration.set_admin("ann", admin=True)
    tokens = bench.login()
    bench.administration.set_admin("ann", admin=True)
    assert bench.renew(tokens)


def test_a_former_admin_is_none_at_once_where_it_is_asked(bench: AccountsBench) -> None:
    bench.revocations.refresh()
    bench.register()
    bench.administration.set_admin("ann", admin=True)
    identity = bench.verify(bench.login())
    require_standing(identity, bench.store, bench.clock)
    bench.administration.set_admin("ann", admin=False)
    with pytest.raises(InvalidTokenError):
        require_standing(identity, bench.store, bench.clock)


def test_disabling_ends_every_session(bench: AccountsBench) -> None:
    sessions = [bench.register(), bench.login()]
    bench.administration.disable("ann")
    for tokens in sessions:
        with fails_with(SessionEndedError):
            bench.renew(tokens)
    bench.revocations.refresh()
    for tokens in sessions:
        with pytest.raises(InvalidTokenError):
            bench.verify(tokens)


def test_unlocking_forgets_the_failures(bench: AccountsBench) -> None:
    bench.register()
    for number in range(6):
        with pytest.raises((WrongCredentialsError, ThrottledError)):
            bench.login("ann", WRONG, Client(f"192.0.2.{number}", ""))
    with fails_with(ThrottledError):
        bench.login()
    bench.administration.unlock("ann")
    assert bench.login(client=Client("198.51.100.1", ""))


def erasable(bench: AccountsBench) -> str:
    client = Client("192.0.2.1", "Firefox")
    profile = Profile("ann@example.com", "Anna", date(1990, 2, 28))
    tokens = bench.signing_in.register(
        Registration("ann@example.com", PASSWORD, profile), client, POLICY
    )
    with fails_with(WrongCredentialsError):
        bench.login("ann@example.com", WRONG, client)
    bench.login("ann@example.com", client=client)
    return str(tokens.person_id)


def test_an_export_holds_all_that_is_kept_of_a_person(bench: AccountsBench) -> None:
    person_id = erasable(bench)
    export = json.loads(json.dumps(bench.administration.export("Ann@Example.com")))
    assert export["person"]["id"] == person_id
    assert export["person"]["birthday"] == "1990-02-28"
    assert export["person"]["admin"] is False
    assert len(export["sessions"]) == 2
    assert [entry["result"] for entry in export["sign_ins"]] == [
        "signed_in",
        "refused",
        "registered",
    ]
    assert export["sign_ins"][0]["client"] == {"address": "192.0.2.1", "user_agent": "Firefox"}
    assert "argon2" not in str(export)


def test_of_an_erased_person_nothing_is_left_but_the_id(
    bench: AccountsBench, admin: psycopg.Connection[Any]
) -> None:
    person_id = erasable(bench)
    assert str(bench.administration.erase("ann@example.com")) == person_id
    for table in ("people", "sessions", "sign_ins"):
        rows = str(admin.execute(f"SELECT t::text FROM accounts.{table} AS t").fetchall())  # noqa: S608
        assert not [secret for secret in (*SECRETS[:2], *SECRETS[3:], "argon2") if secret in rows]
    # An address that failed is counted for a day, and for nobody in particular.
    failures = admin.execute("SELECT kind FROM accounts.failures").fetchall()
    assert failures == [("address",)]
    with fails_with(WrongCredentialsError):
        bench.login("ann@example.com")
    export = bench.administration.export(person_id)
    assert export["person"]["login"] is None
    assert len(export["sign_ins"]) == 3


def test_an_erased_person_stays_erased_and_frees_the_login(bench: AccountsBench) -> None:
    person_id = erasable(bench)
    bench.administration.erase(person_id)
    erased = bench.administration.export(person_id)["person"]
    bench.passes(days=1)
    bench.administration.erase(person_id)
    assert bench.administration.export(person_id)["person"] == erased
    for act in (bench.administration.disable, bench.administration.unlock):
        with fails_with(NoSuchPersonError):
            act(person_id)
    assert str(bench.register("ann@example.com").person_id) != person_id


@pytest.mark.parametrize("who", ["nobody", "", "a\x00", "01a216d8-4382-70f9-afca-0997d59e952b"])
def test_nobody_is_changed_who_is_not_there(bench: AccountsBench, who: str) -> None:
    admin = bench.administration
    acts: list[Callable[[str], object]] = [
        admin.disable,
        admin.unlock,
        admin.erase,
        admin.export,
        lambda each: admin.set_admin(each, admin=True),
    ]
    for act in acts:
        with fails_with(NoSuchPersonError):
            act(who)


def test_the_role_of_the_service_makes_no_admin_and_erases_nobody(
    bench: AccountsBench, accounts_database: Database
) -> None:
    tokens = bench.register()
    service = type(bench.people_administration)(accounts_database)
    acts: list[Callable[[], object]] = [
        lambda: service.set_admin(tokens.person_id, bench.now, admin=True),
        lambda: service.disable(tokens.person_id, bench.now),
        lambda: service.erase(tokens.person_id, bench.now),
        lambda: bench.key_store.drop_retired(bench.now),
    ]
    for act in acts:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            act()


def test_what_is_old_is_forgotten_and_nothing_else(
    bench: AccountsBench, accounts_database: Database, admin: psycopg.Connection[Any]
) -> None:
    day = timedelta(days=1)
    pruning = Pruning(accounts_database, Retention(90 * day, day, day, IDLE))

    def counts() -> dict[str, int]:
        tables = ("sign_ins", "sessions", "failures", "registration_rates")
        return {
            table: int(str(admin.execute(f"SELECT count(*) FROM accounts.{table}").fetchone())[1])  # noqa: S608
            for table in tables
        }

    tokens = bench.register()
    ended = bench.login()
    bench.sessions.logout(ended.refresh_token)
    with fails_with(WrongCredentialsError):
        bench.login("ann", WRONG)
    assert counts() == {"sign_ins": 3, "sessions": 2, "failures": 2, "registration_rates": 1}
    assert pruning.run(bench.now) == 0
    assert pruning.run(bench.now + day + timedelta(seconds=1)) == 4
    assert counts() == {"sign_ins": 3, "sessions": 1, "failures": 0, "registration_rates": 0}
    assert pruning.run(bench.now + IDLE) == 0
    bench.passes(days=29)
    tokens = bench.renew(tokens)
    assert pruning.run(bench.now + IDLE + day) == 0
    bench.now += IDLE
    assert pruning.run(bench.now + day + timedelta(seconds=1)) == 1
    assert pruning.run(bench.now + LONGEST) == 3
    assert counts() == dict.fromkeys(counts(), 0)
    assert bench.login(client=HERE)
    with fails_with(SessionEndedError):
        bench.renew(tokens)


def test_a_person_disabled_in_the_moment_of_signing_in_gets_no_session(
    bench: AccountsBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.register()
    real = bench.sign_ins.attempt

    def disabled_after(key: str, address: str, now: datetime) -> Attempt:
        found = real(key, address, now)
        bench.administration.disable("ann")
        return found

    monkeypatch.setattr(bench.sign_ins, "attempt", disabled_after)
    with fails_with(AccountDisabledError):
        bench.login()
