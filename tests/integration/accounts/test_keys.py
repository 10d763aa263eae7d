"""The keys of tokens in the database: made once, sealed, rotated, known to all processes."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from order_service.contexts.accounts.errors import (
    AccountsUnavailableError,
    InvalidTokenError,
    RotationTooEarlyError,
    SharedSecretError,
)
from order_service.contexts.accounts.tokens.keeping import KeyKeeping, KeyRotation
from order_service.contexts.accounts.tokens.sealing import KeySealing
from order_service.infra.postgres.database import Database
from tests.integration.accounts.bench import AccountsBench, fails_with, wipe

Second = Callable[..., AccountsBench]


@pytest.fixture
def another(accounts_database: Database, accounts_admin_database: Database) -> Iterator[Second]:
    """Starts another process of the service."""
    with ExitStack() as stack:

        def start(**options: str) -> AccountsBench:
            bench = AccountsBench(accounts_database, admin=accounts_admin_database, **options)  # type: ignore[arg-type]
            return stack.enter_context(closing(bench))

        yield start


def kids(bench: AccountsBench) -> set[str]:
    return {key["kid"] for key in json.loads(bench.keeping.keys().jwks)["keys"]}


def test_processes_that_start_at_once_make_one_pair_of_keys(
    bench: AccountsBench, another: Second, admin: psycopg.Connection[Any]
) -> None:
    for _ in range(5):
        wipe(admin)
        everybody = threading.Barrier(4)

        def start() -> AccountsBench:
            everybody.wait(10)  # noqa: B023 - all of one round
            return another()

        with ThreadPoolExecutor(4) as pool:
            benches = [each.result() for each in [pool.submit(start) for _ in range(4)]]
        for each in benches:
            each.keeping.refresh()
        assert len(set().union(*map(kids, benches))) == 2
        tokens = benches[0].register()
        for each in benches:
            each.revocations.refresh()
            assert each.verify(tokens)
            assert each.renew(tokens)
    assert not bench.events


def test_a_rotation_reaches_other_processes_and_breaks_no_token(
    bench: AccountsBench, another: Second
) -> None:
    other = another()
    for each in (bench, other):
        each.revocations.refresh()
    old = bench.register()
    with fails_with(RotationTooEarlyError):
        bench.rotation.rotate()
    for each in (bench, other):
        each.passes(minutes=11)
    first, upcoming = bench.keeping.keys().current.kid, kids(bench)
    signing = bench.rotation.rotate()
    assert signing in upcoming - {first}
    bench.keeping.refresh()
    new = bench.login()
    assert bench.verify(new).kid == signing
    # The other one has not read the keys since: it knows the new one from before.
    assert other.verify(new).kid == signing
    assert other.verify(old).kid == first
    other.keeping.refresh()
    assert other.verify(old).kid == first
    assert len(kids(other)) == 3


def test_a_retired_key_is_dropped_when_its_tokens_are_gone(bench: AccountsBench) -> None:
    bench.revocations.refresh()
    first = bench.keeping.keys().current.kid
    for _ in range(3):
        bench.passes(minutes=30)
        bench.rotation.rotate()
    bench.keeping.refresh()
    assert first not in kids(bench)
    assert len(kids(bench)) == 3


def test_a_retired_key_counts_no_longer_than_its_tokens_live(bench: AccountsBench) -> None:
    """Whether or not anybody rotates again, which is what deletes it."""
    bench.revocations.refresh()
    first = bench.keeping.keys().current.kid
    bench.passes(minutes=11)
    bench.rotation.rotate()
    bench.passes(minutes=24)
    bench.keeping.refresh()
    assert first in kids(bench)
    bench.passes(minutes=2)
    bench.keeping.refresh()
    assert first not in kids(bench)


def test_a_leak_drops_the_keys_that_were_retired_before_too(bench: AccountsBench) -> None:
    bench.revocations.refresh()
    tokens = bench.register()
    bench.passes(minutes=11)
    bench.rotation.rotate()
    bench.keeping.refresh()
    assert bench.verify(tokens)
    bench.rotation.rotate(at_once=True, drop_current=True)
    bench.keeping.refresh()
    with pytest.raises(InvalidTokenError):
        bench.verify(tokens)
    assert len(kids(bench)) == 2


def test_of_two_rotations_at_once_one_is_refused(bench: AccountsBench) -> None:
    bench.passes(minutes=11)
    following = next(key for key in bench.key_store.signing_keys() if key.state == "next")
    bench.rotation.rotate()
    store, successor = bench.operators_keys, bench.keeping.new_key("next")
    with fails_with(RotationTooEarlyError):
        store.rotate(following.id, successor, bench.now, drop_current=False)
    assert successor.id not in {key.id for key in store.signing_keys()}


def test_a_shared_secret_is_not_rotated(bench: AccountsBench) -> None:
    sealing, life = KeySealing(""), timedelta(minutes=15)
    keeping = KeyKeeping(bench.key_store, sealing, bench.clock, life, b"s" * 32)
    with fails_with(SharedSecretError):
        KeyRotation(bench.key_store, keeping, bench.clock, life).rotate(at_once=True)


def test_a_key_that_leaked_is_dropped_with_its_tokens(
    bench: AccountsBench, another: Second
) -> None:
    other = another()
    other.revocations.refresh()
    tokens = bench.register()
    assert other.verify(tokens)
    bench.rotation.rotate(at_once=True, drop_current=True)
    other.keeping.refresh()
    with pytest.raises(InvalidTokenError):
        other.verify(tokens)
    assert other.verify(other.renew(tokens))


def test_sealed_keys_need_their_secret(
    bench: AccountsBench, another: Second, admin: psycopg.Connection[Any]
) -> None:
    wipe(admin)
    sealed = another(secret="a secret of at least 32 characters")
    tokens = sealed.register()
    for column in ("signing_keys", "refresh_keys"):
        rows = admin.execute(f"SELECT sealed FROM accounts.{column}").fetchall()  # noqa: S608
        for (stored,) in rows:
            assert bytes(stored)[:1] == b"\x01"
            assert b"kty" not in bytes(stored)
    for secret in ("", "another secret of 32 characters, or more"):
        with pytest.raises(AccountsUnavailableError, match="secret"):
            another(secret=secret)
    with suppress(AccountsUnavailableError):
        bench.keeping.refresh()
    assert another(secret="a secret of at least 32 characters").renew(tokens)


def test_a_sealed_key_opens_under_no_other_name(
    another: Second, admin: psycopg.Connection[Any]
) -> None:
    wipe(admin)
    another(secret="a secret of at least 32 characters")
    admin.execute("UPDATE accounts.signing_keys SET id = 'x' WHERE state = 'current'")
    with pytest.raises(AccountsUnavailableError, match="x is sealed with another"):
        another(secret="a secret of at least 32 characters")


def test_two_operators_who_rotate_at_once_leave_one_current_and_one_next(
    bench: AccountsBench, admin: psycopg.Connection[Any]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(bench.rotation.rotate, at_once=True) for _ in range(8)]
        for each in work:
            with suppress(RotationTooEarlyError, StopIteration, AccountsUnavailableError):
                each.result()
    rows = admin.execute("SELECT state FROM accounts.signing_keys").fetchall()
    states = [state for (state,) in rows]
    assert (states.count("current"), states.count("next")) == (1, 1)
