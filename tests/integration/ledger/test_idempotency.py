"""One command has one effect and one answer: sent again, at once, with other content, too late."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from order_service.ledger.errors import InsufficientError, KeyReusedError, StillRunningError
from order_service.ledger.idempotency import Idempotency
from order_service.ledger.model import KeyedCommand
from order_service.ledger.postings import PostgresLedger
from tests.integration.ledger.conftest import Connect
from tests.ledgers import AVAILABLE, Connection, Schema, credit, debit, run_of, transaction

ME = uuid.uuid4()


def command(content: bytes = b"give 5", key: str = "key", owner: uuid.UUID = ME) -> KeyedCommand:
    return KeyedCommand(owner, key, content)


@pytest.fixture
def idempotency(schema: Schema) -> Idempotency:
    return Idempotency(schema.name)


def give(
    connection: Connection, ledger: PostgresLedger, idempotency: Idempotency, asked: KeyedCommand
) -> bytes:
    """Credit 5 and answer with the new balance."""
    with transaction(connection) as run:

        def effect() -> bytes:
            balances = ledger.post(run, credit(asked.owner, 5))
            return str(balances[asked.owner, AVAILABLE].amount).encode()

        return idempotency.answer(run, asked, effect)


def test_the_same_command_again_gets_the_same_answer_and_has_no_effect(
    connection: Connection, ledger: PostgresLedger, idempotency: Idempotency
) -> None:
    answers = [give(connection, ledger, idempotency, command()) for _ in range(3)]
    assert answers == [b"5", b"5", b"5"]
    assert ledger.balances(run_of(connection), ME)[AVAILABLE].amount == 5


def test_other_content_with_the_same_key_is_refused(
    connection: Connection, ledger: PostgresLedger, idempotency: Idempotency
) -> None:
    give(connection, ledger, idempotency, command())
    with pytest.raises(KeyReusedError):
        give(connection, ledger, idempotency, command(b"give 6"))
    assert ledger.balances(run_of(connection), ME)[AVAILABLE].amount == 5


def test_keys_of_other_persons_and_other_keys_have_effects_of_their_own(
    connection: Connection, ledger: PostgresLedger, idempotency: Idempotency
) -> None:
    assert give(connection, ledger, idempotency, command()) == b"5"
    assert give(connection, ledger, idempotency, command(key="other")) == b"10"
    assert give(connection, ledger, idempotency, command(owner=uuid.uuid4())) == b"5"


def test_a_command_that_is_running_is_refused_to_others_and_frees_its_key_when_it_fails(
    new_connection: Connect, ledger: PostgresLedger, idempotency: Idempotency
) -> None:
    running, go_on = Event(), Event()

    def fail_slowly() -> None:
        with transaction(new_connection()) as run:

            def effect() -> bytes:
                running.set()
                go_on.wait(30)
                raise InterruptedError

            idempotency.answer(run, command(), effect)

    second = new_connection()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(fail_slowly)
        assert running.wait(30)
        with pytest.raises(StillRunningError):
            give(second, ledger, idempotency, command())
        go_on.set()
        with pytest.raises(InterruptedError):
            first.result()
    assert give(second, ledger, idempotency, command()) == b"5"


def test_of_many_at_once_one_has_the_effect(
    new_connection: Connect, ledger: PostgresLedger, idempotency: Idempotency
) -> None:
    def attempt(connection: Connection) -> bytes:
        try:
            return give(connection, ledger, idempotency, command())
        except StillRunningError:
            return b"running"

    connections = [new_connection() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(attempt, connections))
    assert answers <= {b"5", b"running"}
    assert ledger.balances(run_of(connections[0]), ME)[AVAILABLE].amount == 5


def test_a_refusal_is_an_answer_too(
    connection: Connection, ledger: PostgresLedger, idempotency: Idempotency
) -> None:
    def spend() -> bytes:
        with transaction(connection) as run:

            def effect() -> bytes:
                try:
                    ledger.post(run, debit(ME, 5))
                except InsufficientError:
                    return b"refused"
                return b"spent"

            return idempotency.answer(run, command(), effect)

    assert spend() == b"refused"
    ledger.post(run_of(connection), credit(ME, 5))
    assert spend() == b"refused"


def test_an_answer_is_kept_for_its_time_and_then_pruned(
    connection: Connection, ledger: PostgresLedger, idempotency: Idempotency, schema: Schema
) -> None:
    give(connection, ledger, idempotency, command())
    give(connection, ledger, idempotency, command(key="younger"))
    schema.execute(
        "UPDATE {}.idempotency_keys SET created_at = now() - interval '1 day' WHERE key = 'key'"
    )
    # Outdated, so other content is a new command, and is kept from now on.
    assert give(connection, ledger, idempotency, command(b"more")) == b"15"
    assert give(connection, ledger, idempotency, command(b"more")) == b"15"
    assert idempotency.prune(run_of(connection)) == 0
    schema.execute("UPDATE {}.idempotency_keys SET created_at = now() - interval '1 day'")
    assert idempotency.prune(run_of(connection), limit=1) == 1
    assert idempotency.prune(run_of(connection)) == 1
    assert idempotency.prune(run_of(connection)) == 0
