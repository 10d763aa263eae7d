"""The orders in Postgres, asked in an event loop: they say what the repository says."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from order_service.contexts.orders.model import Document
from order_service.contexts.orders.ports import ABSENT, Absent, OrderRepository
from order_service.contexts.orders.postgres_quickly import STATEMENTS, PostgresQuickly
from order_service.infra.postgres.database import Database
from order_service.infra.postgres.loop_queries import LoopQueries
from tests.builders import items, record
from tests.loops import run

Answer = Mapping[str, Document | Absent] | Exception | None


def find_many(database: Database, *asked: Sequence[str]) -> list[Answer]:
    """Return what is said of each list of uids, asked one after the other."""

    async def whole() -> list[Answer]:
        queries = LoopQueries(database, STATEMENTS, 2)
        quick = PostgresQuickly(queries)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            while not (quick.ready() and quick.free):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            answers = []
            for uids in asked:
                answer: asyncio.Future[Answer] = loop.create_future()
                quick.find_many(uids, answer.set_result)
                answers.append(await answer)
        queries.close()
        return answers

    return run(whole)


@pytest.mark.parametrize("count", [1, 2, 32])
def test_they_are_found_byte_for_byte_and_those_that_are_not_there_are_told(
    database: Database, postgres_orders: OrderRepository, count: int
) -> None:
    given = [record(f"order-{number}", items=items(number % 3 + 1)) for number in range(count)]
    postgres_orders.save(given)
    uids = [each.uid for each in given]
    several, one, none = find_many(database, [*uids, "nobody"], uids[:1], ["nobody"])
    assert several == {**{each.uid: each.document for each in given}, "nobody": ABSENT}
    assert one == {given[0].uid: given[0].document}
    assert none == {"nobody": ABSENT}
