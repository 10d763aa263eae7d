"""The outbox on the real database: what is added, read, blocked and leased."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.session import Session
from order_service.messaging.outbox import SHARDS, Outbox, shard_of
from order_service.messaging.outbox.admin import OutboxAdmin
from order_service.messaging.outbox.ports import PendingMessage
from order_service.messaging.outbox.postgres_lease import LEASE, PostgresLease, fair_share
from order_service.messaging.tables import faults_of
from tests.backends import Environ, connect
from tests.messaging_tables import message, schema_in
from tests.waiting import eventually

MANY = 1000, 1_000_000


@pytest.fixture
def schema(shared_database: Environ) -> Iterator[str]:
    with schema_in(shared_database) as name:
        yield name


@pytest.fixture
def conninfo(shared_database: Environ) -> str:
    with connect(shared_database, admin=False) as connection:
        return f"{connection.info.dsn} password={shared_database['POSTGRES_PASSWORD']}"


@pytest.fixture
def lease(conninfo: str, schema: str) -> Iterator[PostgresLease]:
    with leased(conninfo, schema) as opened:
        opened.share()
        yield opened


@contextmanager
def leased(conninfo: str, schema: str) -> Iterator[PostgresLease]:
    with closing(PostgresLease(Session(conninfo, 5.0), schema)) as opened:
        yield opened


def add(database: Database, schema: str, *keys: str, topic: str = "t", value: bytes = b"0") -> None:
    messages = [message(topic, key, value) for key in keys]
    database.run("add", lambda transaction: Outbox(schema).add(transaction, *messages))


def keys(found: list[PendingMessage] | tuple[PendingMessage, ...]) -> list[str]:
    return [each.key.decode() for each in found]


def pending(lease: PostgresLease, most: int = 1000, size: int = 1_000_000) -> list[str]:
    return keys(list(lease.pending(most, size)))


def test_messages_are_read_in_the_order_in_which_they_were_added(
    database: Database, schema: str, lease: PostgresLease
) -> None:
    add(database, schema, "b", "a", "c")
    add(database, schema, "a", "b")
    assert pending(lease) == ["b", "a", "c", "a", "b"]


def test_a_message_is_read_as_it_was_added(
    database: Database, schema: str, lease: PostgresLease
) -> None:
    added = message("t", "\x00key", b"\xff\x00", traceparent="00-x")
    tombstone = message("t", "k", None)
    database.run("add", lambda opened: Outbox(schema).add(opened, added, tombstone))
    first, second = lease.pending(*MANY)
    assert (first.topic, first.key, first.value) == ("t", b"\x00key", b"\xff\x00")
    assert first.headers == added.envelope.headers()
    assert second.value is None


def test_what_is_not_committed_is_not_there(
    database: Database, schema: str, lease: PostgresLease
) -> None:
    def fail(transaction: Transaction) -> None:
        Outbox(schema).add(transaction, message("t"))
        assert pending(lease) == []
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.run("add", fail)
    assert pending(lease) == []


def test_an_id_that_is_committed_late_is_still_found(
    database: Database, schema: str, lease: PostgresLease
) -> None:
    with database.transaction("late") as late:
        Outbox(schema).add(late, message("t", "late"))
        add(database, schema, "early")
        (early,) = lease.pending(*MANY)
        lease.sent([early.id])
    assert pending(lease) == ["late"]


def test_what_is_sent_is_gone(database: Database, schema: str, lease: PostgresLease) -> None:
    add(database, schema, "a", "b")
    first, _ = lease.pending(*MANY)
    lease.sent([first.id])
    assert pending(lease) == ["b"]


@pytest.mark.parametrize(
    ("bounds", "count"), [((3, 10**6), 3), ((100, 1), 1), ((100, 250), 3), ((100, 10**6), 10)]
)
def test_a_batch_is_bounded_and_holds_at_least_one(
    database: Database, schema: str, lease: PostgresLease, bounds: tuple[int, int], count: int
) -> None:
    add(database, schema, *"abcdefghij", value=b"x" * 99)
    assert len(pending(lease, *bounds)) == count


def test_a_blocked_message_holds_up_its_key_in_its_topic_alone(
    database: Database, schema: str, lease: PostgresLease
) -> None:
    add(database, schema, "a", "b", "a")
    add(database, schema, "a", topic="other")
    blocked = lease.pending(*MANY)[0]
    lease.block([blocked.id], "too large")
    found = lease.pending(*MANY)
    assert [(each.topic, each.key) for each in found] == [("t", b"b"), ("other", b"a")]
    depth = lease.measure()
    assert (depth.messages, depth.blocked) == (4, 1)
    assert depth.oldest > 0


def test_a_person_sees_what_is_blocked_and_has_it_tried_again(
    database: Database, schema: str, lease: PostgresLease
) -> None:
    admin = OutboxAdmin(database, schema)
    add(database, schema, "a", "b", "a")
    ids = [each.id for each in lease.pending(*MANY)]
    for _ in range(5):
        lease.block(ids[:1], "too large")
    shown = admin.list(10, blocked=True)
    assert (shown.total, shown.blocked, len(shown.messages)) == (3, 1, 1)
    assert (shown.messages[0].attempts, shown.messages[0].last_error) == (5, "too large")
    assert [each.id for each in admin.list(2).messages] == ids[:2]
    assert pending(lease) == ["b"]
    assert admin.retry(ids[1:]) == []
    assert admin.retry() == ids[:1]
    assert pending(lease) == ["a", "b", "a"]
    assert lease.pending(*MANY)[0].attempts == 5


def test_all_messages_of_a_key_have_one_shard() -> None:
    shards = [shard_of(b"key-%d" % number) for number in range(10_000)]
    assert set(shards) == set(range(SHARDS))
    assert shard_of(b"key-1") == shards[1]
    assert max(map(shards.count, range(SHARDS))) < 2 * 10_000 / SHARDS


@pytest.mark.parametrize(("relays", "share"), [(0, 16), (1, 16), (2, 8), (3, 6), (16, 1), (40, 1)])
def test_shares_are_fair_and_leave_no_shard_out(relays: int, share: int) -> None:
    assert fair_share(relays) == share
    assert share * max(1, relays) >= SHARDS


def test_relays_share_the_shards_and_none_has_two_owners(conninfo: str, schema: str) -> None:
    with leased(conninfo, schema) as one:
        assert len(one.share()) == SHARDS
        with leased(conninfo, schema) as two, leased(conninfo, schema) as three:
            for _ in range(3):
                held = [each.share() for each in (one, two, three)]
            assert sorted(shard for shards in held for shard in shards) == list(range(SHARDS))
            assert sorted(map(len, held)) == [4, 6, 6]
        eventually(lambda: len(one.share()) == SHARDS, 10, "the shards come back")


def test_outboxes_of_two_contexts_do_not_share(conninfo: str, shared_database: Environ) -> None:
    with (
        schema_in(shared_database) as schema,
        schema_in(shared_database) as other,
        leased(conninfo, schema) as one,
        leased(conninfo, other) as two,
    ):
        assert len(one.share()) == len(two.share()) == SHARDS


def test_a_relay_that_says_nothing_loses_its_lease_and_cannot_read_nor_delete(
    conninfo: str, schema: str, database: Database
) -> None:
    add(database, schema, "a")
    with leased(conninfo, schema) as frozen:
        frozen.share()
        (read,) = frozen.pending(*MANY)
        frozen._closed.set()  # noqa: SLF001 - what a freeze does to its thread
        with leased(conninfo, schema) as other:
            eventually(lambda: len(other.share()) == SHARDS, LEASE + 10, "the other takes over")
            assert pending(other) == ["a"]
        for use in (frozen.share, frozen.measure, lambda: frozen.sent([read.id])):
            with pytest.raises(UnavailableError):
                use()
        with pytest.raises(UnavailableError):
            frozen.pending(*MANY)


def test_a_lease_that_is_kept_alive_lives(conninfo: str, schema: str) -> None:
    with leased(conninfo, schema) as lease:
        began = lease._session.answered  # noqa: SLF001 - nobody else says when it was kept alive
        eventually(
            lambda: lease._session.answered - began > LEASE + 1,  # noqa: SLF001
            LEASE + 10,
            "it is kept alive for longer than it may be silent",
        )
        lease.confirm()


def test_relays_that_share_a_session_do_not_believe_in_their_locks(
    conninfo: str, schema: str
) -> None:
    """As a pooler makes them do that is switched from sessions to transactions meanwhile."""
    with closing(Session(conninfo, 5.0)) as session:
        one, two = PostgresLease(session, schema), PostgresLease(session, schema)
        for lease in one, two:
            with pytest.raises(UnavailableError, match="not its own"):
                lease.share()


def test_a_killed_session_is_told(
    conninfo: str, schema: str, lease: PostgresLease, shared_database: Environ
) -> None:
    del conninfo, schema
    with connect(shared_database, admin=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query ~ 'advisory|FROM test_' AND pid <> pg_backend_pid()"
        )
    with pytest.raises(UnavailableError):
        lease.share()


def test_tables_that_are_as_documented_have_no_faults(
    shared_database: Environ, schema: str
) -> None:
    with connect(shared_database, admin=False) as connection:
        assert list(faults_of(connection, schema, "outbox", "inbox")) == []
        assert list(faults_of(connection, "absent", "inbox")) == ["there is no table absent.inbox"]


def test_a_table_that_lacks_a_column_is_told(shared_database: Environ, schema: str) -> None:
    with connect(shared_database, admin=True) as admin:
        admin.execute(f"ALTER TABLE {schema}.outbox DROP COLUMN attempts")
        faults = list(faults_of(admin, schema, "outbox"))
    assert faults == [f"{schema}.outbox.attempts is missing instead of integer"]


def test_a_shard_out_of_range_is_refused(shared_database: Environ, schema: str) -> None:
    with (
        connect(shared_database, admin=True) as admin,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        admin.execute(
            f"INSERT INTO {schema}.outbox (message_id, topic, key, headers, shard) "  # noqa: S608
            "VALUES (gen_random_uuid(), 't', '', '{}', 16)"
        )
