"""What the quick orders make of what Postgres says, and what they leave to the repository."""

from collections.abc import Mapping, Sequence
from typing import cast

import psycopg
import pytest

from order_service.contexts.orders.errors import StorageUnavailableError
from order_service.contexts.orders.model import Document
from order_service.contexts.orders.ports import ABSENT, Absent
from order_service.contexts.orders.postgres_quickly import STATEMENTS, PostgresQuickly
from order_service.infra.postgres.loop_queries import LateError, LoopQueries, Then, Values
from order_service.infra.postgres.sql import Statement
from tests.builders import record

Answer = Mapping[str, Document | Absent] | Exception | None

DOCUMENT = record("a").document
ROW = [b"a", DOCUMENT.digest.encode(), DOCUMENT.body]


class Queries:
    """Answers each query with the same."""

    free = 2

    def __init__(self, answer: Sequence[Values] | psycopg.Error) -> None:
        self.asked: list[tuple[str, Sequence[str]]] = []
        self._answer = answer

    def ready(self) -> bool:
        return True

    def begin(self, statement: Statement, parameters: Sequence[str], then: Then) -> None:
        assert statement in STATEMENTS
        self.asked.append((statement.name, parameters))
        then(self._answer)


def find(answer: Sequence[Values] | psycopg.Error, *uids: str) -> Answer:
    told: list[Answer] = []
    PostgresQuickly(cast("LoopQueries", Queries(answer))).find_many(uids or ("a",), told.append)
    [found] = told
    return found


def test_one_is_asked_for_as_one_and_several_together() -> None:
    queries = Queries([ROW])
    quick = PostgresQuickly(cast("LoopQueries", queries))
    for uids in (["a"], ["a", "b"]):
        quick.find_many(uids, lambda _: None)
    assert queries.asked == [("find_one_order", ["a"]), ("find_many_orders", ["a,b"])]


def test_what_was_not_found_is_not_there() -> None:
    assert find([ROW], "b", "a") == {"a": DOCUMENT, "b": ABSENT}


def test_an_order_that_is_written_in_another_way_is_the_same() -> None:
    spaced = DOCUMENT.body.replace(b'":', b'": ')
    assert find([[b"a", DOCUMENT.digest.encode(), spaced]]) == {"a": DOCUMENT}


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"\xff", None])
def test_what_is_no_order_is_left_to_the_repository(body: bytes | None) -> None:
    assert find([ROW, [b"b", b"0" * 32, body]], "a", "b") is None


def test_no_answer_in_time_is_why_nothing_can_be_known() -> None:
    assert isinstance(find(LateError("no answer in time")), StorageUnavailableError)


@pytest.mark.parametrize("error", [psycopg.OperationalError("gone"), psycopg.DatabaseError("no")])
def test_any_other_trouble_is_left_to_the_repository(error: psycopg.Error) -> None:
    assert find(error) is None
