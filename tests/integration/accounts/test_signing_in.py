"""Registration and login on the real database: who gets in, who has to wait, what is recorded."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import date, datetime, timedelta

import psycopg
import pytest
from argon2 import low_level

from order_service.contexts.accounts.errors import (
    AccountDisabledError,
    AccountsError,
    InvalidFieldsError,
    LoginTakenError,
    ThrottledError,
    WrongCredentialsError,
)
from order_service.contexts.accounts.hashing import PARAMETERS
from order_service.contexts.accounts.model import Attempt, Client, Profile, SignIn
from order_service.contexts.accounts.passwords import PasswordPolicy
from order_service.contexts.accounts.postgres import Throttling
from order_service.contexts.accounts.signing_in import PasswordChange, Registration
from order_service.infra.postgres.database import Database
from tests.integration.accounts.bench import (
    HERE,
    PASSWORD,
    POLICY,
    WRONG,
    AccountsBench,
    fails_with,
    wipe,
)

ELSEWHERE = Client("198.51.100.9", "elsewhere")


def fail(bench: AccountsBench, login: str = "ann", client: Client = HERE) -> None:
    with fails_with(WrongCredentialsError):
        bench.login(login, WRONG, client)


def wait(bench: AccountsBench, login: str = "ann", client: Client = HERE) -> float:
    """Seconds that a login has to wait, as its refusal says."""
    with pytest.raises(ThrottledError) as refusal:
        bench.login(login, PASSWORD, client)
    return refusal.value.seconds


def test_who_registered_can_sign_in(bench: AccountsBench) -> None:
    registered = bench.register()
    signed_in = bench.login()
    assert signed_in.person_id == registered.person_id
    assert registered.person_id.version == 7
    assert bench.results_of(registered) == ["registered", "signed_in"]
    assert bench.log.results == ["registered", "signed_in"]


def test_a_registration_keeps_the_profile_and_its_event_with_it(bench: AccountsBench) -> None:
    profile = Profile("ann@example.com", "Анна Каренина", date(1990, 2, 28))
    tokens = bench.signing_in.register(Registration("Ann", PASSWORD, profile), HERE, POLICY)
    person = bench.people.person(tokens.person_id)
    assert person
    assert (person.login, person.email, person.name, person.birthday) == ("Ann", *profile)
    assert not person.admin
    assert [each.id for each in bench.events] == [tokens.person_id]


def test_a_registration_whose_event_fails_leaves_nothing(
    bench: AccountsBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bench.people, "_announce", fails)
    with pytest.raises(ZeroDivisionError):
        bench.register()
    assert bench.people.credentials("ann") is None


@pytest.mark.parametrize("twin", ["ann", "ANN", "Ａｎｎ", "aⁿn", "ﬀ", "Straße"])  # noqa: RUF001
def test_logins_that_are_the_same_to_people_are_one(bench: AccountsBench, twin: str) -> None:
    for login in ("ann", "ff", "STRASSE"):
        bench.register(login)
    with fails_with(LoginTakenError):
        bench.register(twin)
    assert bench.login(twin)


def test_of_many_who_want_one_login_at_once_one_gets_it(bench: AccountsBench) -> None:
    everybody = threading.Barrier(6)

    def register() -> bool:
        everybody.wait(10)
        try:
            return bool(bench.register("popular"))
        except LoginTakenError:
            return False

    with ThreadPoolExecutor(6) as pool:
        won = [each.result() for each in [pool.submit(register) for _ in range(6)]]
    assert sum(won) == 1
    assert len(bench.events) >= 1


@pytest.mark.parametrize(
    ("field", "registration"),
    [
        ("login", Registration("", PASSWORD)),
        ("login", Registration("a" * 256, PASSWORD)),
        ("login", Registration("a b", PASSWORD)),
        ("login", Registration("a\x00", PASSWORD)),
        ("login", Registration("\ud800", PASSWORD)),
        ("login", Registration("ann@", PASSWORD)),
        ("login", Registration("ann@example..com", PASSWORD)),
        ("password", Registration("ann", "short")),
        ("password", Registration("ann", "x" * 129)),
        ("password", Registration("ann", "1234567890")),
        ("password", Registration("ann", "QwertyUiop")),
        ("password", Registration("anna-karenina", "Anna-Karenina")),
        ("password", Registration("ann-karenina@example.com", "ann-karenina")),
        ("password", Registration("ann", "correct\x00horse")),
        ("email", Registration("ann", PASSWORD, Profile(email="nobody"))),
        ("name", Registration("ann", PASSWORD, Profile(name=" "))),
        ("name", Registration("ann", PASSWORD, Profile(name="a\x00"))),
        ("name", Registration("ann", PASSWORD, Profile(name="x" * 256))),
        ("birthday", Registration("ann", PASSWORD, Profile(birthday=date(2026, 11, 27)))),
        ("birthday", Registration("ann", PASSWORD, Profile(birthday=date(1899, 12, 31)))),
    ],
)
def test_what_breaks_a_rule_is_named_and_nothing_is_kept(
    bench: AccountsBench, field: str, registration: Registration
) -> None:
    with pytest.raises(InvalidFieldsError) as refusal:
        bench.signing_in.register(registration, HERE, POLICY)
    assert set(refusal.value.faults) == {field}
    assert PASSWORD not in str(refusal.value) + repr(registration)
    assert not bench.events


def test_all_faults_are_named_at_once(bench: AccountsBench) -> None:
    registration = Registration("", "short", Profile("x", " ", date(1800, 1, 1)))
    with pytest.raises(InvalidFieldsError) as refusal:
        bench.signing_in.register(registration, HERE, POLICY)
    assert set(refusal.value.faults) == {"login", "password", "email", "name", "birthday"}


def test_another_face_may_admit_short_passwords(bench: AccountsBench) -> None:
    policy = PasswordPolicy(1, refuse_common=False)
    tokens = bench.signing_in.register(Registration("ann", "1"), HERE, policy, renewable=False)
    assert not tokens.refresh_token
    assert bench.login("ann", "1").person_id == tokens.person_id


def test_a_session_without_refresh_token_lives_as_long_as_its_access_token(
    bench: AccountsBench,
) -> None:
    bench.register()
    tokens = bench.signing_in.login("ann", PASSWORD, HERE, renewable=False)
    bench.passes(seconds=899)
    assert len(bench.sessions.open_of(tokens.person_id)) == 2
    bench.passes(seconds=1)
    assert len(bench.sessions.open_of(tokens.person_id)) == 1


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("pa\u0308ssword-1234", "p\u00e4ssword-1234"),
        ("correct\u00a0horse\u3000battery", "correct horse battery"),
    ],
)
def test_a_password_is_the_same_on_every_keyboard(
    bench: AccountsBench, typed: str, stored: str
) -> None:
    bench.signing_in.register(Registration("ann", typed), HERE, POLICY)
    assert bench.login("ann", stored)
    for other in (stored.upper(), stored + " ", "\uff50" + stored[1:]):
        with fails_with(WrongCredentialsError):
            bench.login("ann", other)


@pytest.mark.parametrize("password", ["", "x" * 129, "x" * 10_000, "a\x00", "\ud800", WRONG])
def test_a_wrong_password_is_wrong_whatever_it_is(bench: AccountsBench, password: str) -> None:
    bench.register()
    with fails_with(WrongCredentialsError):
        bench.login("ann", password)


@pytest.mark.parametrize("login", ["", "bob", "a\x00", "\ud800", "x" * 100_000, "' OR 1=1 --"])
def test_a_login_that_nobody_has_is_like_a_wrong_password(bench: AccountsBench, login: str) -> None:
    bench.register()
    refusals = []
    for name, password in ((login, PASSWORD), ("ann", WRONG)):
        with pytest.raises(WrongCredentialsError) as refusal:
            bench.login(name, password)
        refusals.append((type(refusal.value), str(refusal.value)))
    assert refusals[0] == refusals[1]


def test_both_kinds_of_failure_cost_one_hash_and_the_same_statements(
    bench: AccountsBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.register()
    done: list[str] = []
    database = bench.people._statements._database  # noqa: SLF001
    for kind in ("read", "write"):
        real = getattr(database, kind)
        monkeypatch.setattr(database, kind, recorded(real, done))
    monkeypatch.setattr(low_level, "verify_secret", recorded(low_level.verify_secret, done))
    traces = []
    for number, login in enumerate(("ann", "nobody")):
        done.clear()
        # Who failed before from the same address is asked about once more.
        fail(bench, login, Client(f"192.0.2.{number}", ""))
        traces.append(list(done))
    assert traces[0] == traces[1]
    assert traces[0].count("hash") == 1


def recorded(real: Callable[..., object], done: list[str]) -> Callable[..., object]:
    def call(what: object, *arguments: object) -> object:
        done.append(getattr(what, "name", "hash"))
        return real(what, *arguments)

    return call


# --- throttling


def test_from_the_fifth_failure_a_login_waits_and_each_time_twice_as_long(
    bench: AccountsBench,
) -> None:
    bench.register()
    for number in range(5):
        fail(bench, client=Client(f"192.0.2.{number}", ""))
    expected = 1.0
    for number in range(5, 14):
        elsewhere = Client(f"192.0.2.{number}", "")
        assert wait(bench, client=elsewhere) == pytest.approx(expected)
        bench.passes(seconds=expected)
        fail(bench, client=elsewhere)
        expected *= 2
    bench.passes(seconds=expected)
    assert bench.login(client=ELSEWHERE)


def test_a_delay_has_a_longest(bench: AccountsBench) -> None:
    bench.register()
    for _ in range(40):
        fail(bench)
        bench.passes(minutes=15)
    fail(bench)
    assert wait(bench) == pytest.approx(900)


def test_an_address_waits_however_many_logins_it_tries(bench: AccountsBench) -> None:
    bench.register("victim")
    for number in range(5):
        fail(bench, f"guess-{number}")
    assert wait(bench, "victim") == pytest.approx(1.0)
    assert bench.login("victim", client=ELSEWHERE)


def test_whoever_waits_is_told_so_before_anything_is_hashed(
    bench: AccountsBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.register()
    for _ in range(5):
        fail(bench)
    monkeypatch.setattr(bench.hashing, "place", None)
    assert wait(bench) == pytest.approx(1.0)
    assert bench.log.results[-1] == "throttled"


def test_a_success_forgets_the_failures_of_the_login_but_not_of_the_address(
    bench: AccountsBench,
) -> None:
    bench.register()
    for _ in range(4):
        fail(bench)
    bench.login()
    fail(bench)
    with fails_with(ThrottledError):
        bench.login()
    assert bench.login(client=ELSEWHERE)


def test_failures_are_forgotten_after_an_hour(bench: AccountsBench) -> None:
    bench.register()
    for _ in range(4):
        fail(bench)
    bench.passes(hours=1, seconds=1)
    for _ in range(4):
        fail(bench)
    assert bench.login()


def test_waiting_attempts_that_pile_up_hash_no_more_than_there_are_slots(
    bench: AccountsBench,
) -> None:
    bench.register()
    for _ in range(4):
        fail(bench)
    start = threading.Barrier(12)

    def attempt() -> type[AccountsError]:
        start.wait(10)
        try:
            bench.login("ann", WRONG)
        except AccountsError as error:
            return type(error)
        raise AssertionError

    with ThreadPoolExecutor(12) as pool:
        ends = [each.result() for each in [pool.submit(attempt) for _ in range(12)]]
    assert ends.count(ThrottledError) >= 10
    assert 1 <= ends.count(WrongCredentialsError) <= 2


@pytest.fixture
def strict(
    admin: psycopg.Connection[object], accounts_database: Database
) -> Iterator[AccountsBench]:
    wipe(admin)
    with closing(AccountsBench(accounts_database, Throttling(registrations=3))) as opened:
        yield opened


def test_registrations_of_one_address_are_limited(strict: AccountsBench) -> None:
    for number in range(3):
        strict.register(f"person-{number}")
    with pytest.raises(ThrottledError) as refusal:
        strict.register("person-3")
    assert refusal.value.seconds == pytest.approx(20)
    assert strict.register("person-4", ELSEWHERE)
    strict.passes(seconds=20)
    assert strict.register("person-3")
    with fails_with(ThrottledError):
        strict.register("person-5")


def test_no_limit_of_registrations_is_none(
    admin: psycopg.Connection[object], accounts_database: Database
) -> None:
    wipe(admin)
    with closing(AccountsBench(accounts_database, Throttling(registrations=0))) as bench:
        for number in range(5):
            bench.register(f"person-{number}")


# --- disabled, outdated


def test_a_sign_in_that_a_new_password_overtakes_opens_no_session(bench: AccountsBench) -> None:
    """The old password was right when it was looked at, and is not when the session would begin."""
    tokens = bench.register()
    (session,) = bench.sessions.open_of(tokens.person_id)
    looked_up = bench.sign_ins.attempt

    def overtaken(login_key: str, address: str, now: datetime) -> Attempt:
        found = looked_up(login_key, address, now)
        bench.sign_ins.attempt = looked_up  # type: ignore[method-assign]  # once
        change = PasswordChange(tokens.person_id, session.id, PASSWORD, "another pass phrase")
        bench.signing_in.change_password(change, HERE, POLICY)
        return found

    bench.sign_ins.attempt = overtaken  # type: ignore[method-assign]
    with fails_with(WrongCredentialsError):
        bench.login()
    assert [each.id for each in bench.sessions.open_of(tokens.person_id)] == [session.id]


def test_a_sign_in_that_an_operator_overtakes_has_the_rights_of_then(bench: AccountsBench) -> None:
    person = bench.register().person_id
    bench.administration.set_admin("ann", admin=True)
    looked_up = bench.sign_ins.attempt

    def overtaken(login_key: str, address: str, now: datetime) -> Attempt:
        found = looked_up(login_key, address, now)
        bench.sign_ins.attempt = looked_up  # type: ignore[method-assign]  # once
        bench.administration.set_admin("ann", admin=False)
        return found

    bench.sign_ins.attempt = overtaken  # type: ignore[method-assign]
    bench.revocations.refresh()
    tokens = bench.login()
    assert tokens.person_id == person
    assert not bench.verify(tokens).admin


def test_a_disabled_person_is_told_so_only_with_the_right_password(bench: AccountsBench) -> None:
    tokens = bench.register()
    bench.administration.disable("ann")
    fail(bench)
    with fails_with(AccountDisabledError):
        bench.login()
    assert bench.results_of(tokens) == ["registered", "refused", "disabled"]
    bench.administration.unlock("ANN")
    assert bench.login()


def test_a_hash_of_other_parameters_is_replaced_at_the_next_login(
    bench: AccountsBench, accounts_database: Database
) -> None:
    bench.register()
    with closing(AccountsBench(accounts_database, parameters=PARAMETERS)) as today:
        before = bench.people.credentials("ann")
        today.login()
        after = bench.people.credentials("ann")
        assert before
        assert after
        assert before.password_hash != after.password_hash
        assert after.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        today.login()
        assert bench.people.credentials("ann") == after


# --- the audit trail


def test_the_audit_trail_is_read_page_by_page(bench: AccountsBench) -> None:
    tokens = bench.register()
    for number in range(6):
        bench.passes(seconds=number % 2)
        bench.login(client=Client("192.0.2.5", f"agent-{number}"))
    whole = bench.sign_ins.of_person(tokens.person_id, 100, None)
    assert [each.client.user_agent for each in whole[:2]] == ["agent-5", "agent-4"]
    from_pages: list[SignIn] = []
    position = None
    while page := bench.sign_ins.of_person(tokens.person_id, 3, position):
        from_pages += page
        position = bench.position(page[-1])
    assert from_pages == whole


def test_attempts_at_unknown_logins_are_recorded_without_the_login(
    bench: AccountsBench, admin: psycopg.Connection[object]
) -> None:
    fail(bench, "my-secret-password-in-the-wrong-field")
    row = admin.execute("SELECT person_id, result, address FROM accounts.sign_ins").fetchone()
    assert row == (None, "refused", HERE.address)
    everything = str(admin.execute("SELECT f::text FROM accounts.failures AS f").fetchall())
    assert "secret" not in everything


def test_nobody_waits_after_a_day(bench: AccountsBench) -> None:
    for _ in range(6):
        with suppress(WrongCredentialsError, ThrottledError):
            bench.login("ann", WRONG)
    assert bench.sign_ins.attempt("ann", HERE.address, bench.now).wait > 0
    assert bench.sign_ins.attempt("ann", HERE.address, bench.now + timedelta(days=1)).wait == 0.0
