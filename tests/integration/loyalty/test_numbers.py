"""Numbers in a real Postgres: whose they are, and who may ask about them when."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from order_service.contexts.loyalty.model import MAX_POINTS, Balance, Status
from order_service.contexts.loyalty.numbers_postgres import PostgresNumbers, PostgresPolling
from order_service.contexts.loyalty.points_postgres import PostgresPoints
from order_service.contexts.loyalty.ports import Lease, Place, Result
from tests.integration.loyalty.conftest import Admin

ME, OTHER = uuid.uuid4(), uuid.uuid4()


def processed(number: str, accrual: int | None = 72998) -> Result:
    return Result(number, Status.PROCESSED, accrual, None, 0)


def taken(lease: Lease) -> set[str]:
    return {due.number for due in lease.numbers}


def test_a_number_belongs_to_who_was_first(numbers: PostgresNumbers) -> None:
    assert numbers.add(ME, "18") is None
    assert numbers.add(ME, "18") == ME
    assert numbers.add(OTHER, "18") == ME
    (mine,) = numbers.of(ME, None, None)
    assert (mine.number, mine.status, mine.accrual) == ("18", Status.NEW, None)
    assert abs(mine.uploaded_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert numbers.of(OTHER, None, None) == []


def test_of_many_who_upload_one_number_at_once_one_gets_it(numbers: PostgresNumbers) -> None:
    owners = [uuid.uuid4() for _ in range(8)]
    for number in ("18", "26", "34"):
        with ThreadPoolExecutor(8) as threads:
            holders = list(threads.map(lambda owner: numbers.add(owner, number), owners))  # noqa: B023
        assert holders.count(None) == 1
        first = owners[holders.index(None)]
        assert {holder for holder in holders if holder} <= {first}


def test_numbers_are_added_by_the_batch_too(numbers: PostgresNumbers) -> None:
    numbers.add(OTHER, "26")
    batch = [(ME, "18"), (ME, "26"), (ME, "34"), (OTHER, "34"), (ME, "18")]
    assert numbers.add_all(batch) == [None, OTHER, None, ME, None]
    assert numbers.add_all(batch) == [ME, OTHER, ME, ME, ME]
    assert {each.number for each in numbers.of(ME, None, None)} == {"18", "34"}


def test_numbers_are_listed_newest_first_and_by_the_page(
    numbers: PostgresNumbers, admin: Admin
) -> None:
    for age, number in enumerate(("18", "26", "34", "42", "59")):
        numbers.add(ME, number)
        moment = datetime.now(UTC) - timedelta(hours=age // 2)
        admin.execute("UPDATE loyalty.orders SET uploaded_at = %s WHERE number = %s", [
            moment.replace(minute=0, second=0, microsecond=0), number,
        ])  # fmt: skip
    listed = [each.number for each in numbers.of(ME, None, None)]
    assert listed == ["26", "18", "42", "34", "59"]
    page, found = None, []
    while batch := numbers.of(ME, 2, page):
        found += [each.number for each in batch]
        page = Place(batch[-1].uploaded_at, batch[-1].number)
    assert found == listed


def test_what_is_due_is_taken_by_one_poller_alone(
    numbers: PostgresNumbers, polling: PostgresPolling
) -> None:
    numbers.add_all([(ME, str(number)) for number in range(10, 50)])
    with ThreadPoolExecutor(4) as threads:
        leases = list(threads.map(lambda _: polling.claim(10, 30), range(4)))
    claimed = [due.number for lease in leases for due in lease.numbers]
    assert len(claimed) == len(set(claimed))
    rest = polling.claim(100, 30)
    assert len(claimed) + len(rest.numbers) == 40
    assert not polling.claim(100, 30).numbers


def test_a_lease_that_ended_is_given_to_another_and_counts_no_more(
    numbers: PostgresNumbers, polling: PostgresPolling, points: PostgresPoints
) -> None:
    numbers.add(ME, "18")
    slow = polling.claim(1, 0.0)
    quick = polling.claim(1, 30)
    assert taken(slow) == taken(quick) == {"18"}
    assert polling.settle(slow.token, [processed("18", 100)]) == []
    assert points.balance(ME).current == 0
    assert polling.settle(quick.token, [processed("18", 200)]) == ["18"]
    assert polling.settle(quick.token, [processed("18", 200)]) == []
    assert points.balance(ME).current == 200


def test_a_result_is_kept_and_credited_together(
    numbers: PostgresNumbers, polling: PostgresPolling, points: PostgresPoints
) -> None:
    for owner, number in ((ME, "18"), (ME, "26"), (OTHER, "34"), (ME, "42"), (ME, "59")):
        numbers.add(owner, number)
    lease = polling.claim(10, 30)
    polling.settle(
        lease.token,
        [
            processed("18"),
            processed("26", None),
            processed("34", 100),
            Result("42", Status.INVALID, None, None, 0),
            Result("59", Status.PROCESSING, None, 60, 0),
        ],
    )
    mine = {each.number: (each.status, each.accrual) for each in numbers.of(ME, None, None)}
    assert mine == {
        "18": (Status.PROCESSED, 72998),
        "26": (Status.PROCESSED, None),
        "42": (Status.INVALID, None),
        "59": (Status.PROCESSING, None),
    }
    assert points.balance(ME) == Balance(72998, 0)
    assert points.balance(OTHER) == Balance(100, 0)
    assert not polling.claim(10, 30).numbers


def test_a_failure_leaves_the_status_and_is_counted(
    numbers: PostgresNumbers, polling: PostgresPolling
) -> None:
    numbers.add(ME, "18")
    lease = polling.claim(1, 30)
    polling.settle(lease.token, [Result("18", None, None, 0.0, 3)])
    (due,) = polling.claim(1, 30).numbers
    assert (due.number, due.failures) == ("18", 3)
    assert 0 <= due.age < 60
    assert numbers.of(ME, None, None)[0].status is Status.NEW


def test_what_is_given_back_is_due_at_once(
    numbers: PostgresNumbers, polling: PostgresPolling
) -> None:
    numbers.add_all([(ME, "18"), (ME, "26")])
    lease = polling.claim(2, 30)
    polling.release(uuid.uuid4(), ["26"])
    polling.release(lease.token, ["18"])
    assert taken(polling.claim(2, 30)) == {"18"}


def test_a_number_is_credited_once_whatever_becomes_of_its_row(
    numbers: PostgresNumbers, polling: PostgresPolling, points: PostgresPoints, admin: Admin
) -> None:
    numbers.add(ME, "18")
    polling.settle(polling.claim(1, 30).token, [processed("18", 5)])
    admin.execute("UPDATE loyalty.orders SET status = 'NEW', accrual = NULL, due_at = now()")
    assert polling.settle(polling.claim(1, 30).token, [processed("18", 5)]) == []
    assert points.balance(ME).current == 5


def test_a_result_that_no_account_can_hold_does_not_hold_up_the_others(
    numbers: PostgresNumbers, polling: PostgresPolling, points: PostgresPoints, admin: Admin
) -> None:
    numbers.add_all([(ME, "18"), (OTHER, "26"), (ME, "34"), (OTHER, "42")])
    polling.settle(polling.claim(1, 30).token, [processed("18", 5)])
    admin.execute("UPDATE loyalty.balances SET credited = 9223372036854775807, debited = 0")
    lease = polling.claim(10, 30)
    results = [processed("34", MAX_POINTS), processed("26", 1), processed("42", 2)]
    assert set(polling.settle(lease.token, results)) == {"26", "42"}
    assert points.balance(OTHER).current == 3
    (line,) = [each for each in numbers.of(ME, None, None) if each.number == "34"]
    assert (line.status, line.accrual) == (Status.NEW, None)
    # It is not lost, and not asked about all the time either.
    seconds = (
        "SELECT extract(epoch FROM due_at - now())::int FROM loyalty.orders WHERE number = '34'"
    )
    assert admin.execute(seconds).fetchall()[0][0] in range(3500, 3601)


def test_a_closed_gate_holds_every_claim(
    numbers: PostgresNumbers, polling: PostgresPolling
) -> None:
    numbers.add(ME, "18")
    assert polling.closed_for() == 0
    polling.close(60)
    polling.close(5)
    assert 55 < polling.closed_for() <= 60
    assert not polling.claim(1, 30).numbers
