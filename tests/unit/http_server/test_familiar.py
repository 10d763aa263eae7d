"""Requests that come over and over are kept, and those that come once push nothing out."""

from typing import cast

import pytest

from order_service.http.server.familiar import FamiliarRequests
from order_service.http.server.request import Request
from order_service.http.server.site import Ask

ASK = cast("Ask", object())


def request(version: str = "1.1", *, keeps: bool = True) -> Request:
    return Request("GET", b"/", [], b"", version, keeps)


@pytest.fixture
def familiar() -> FamiliarRequests:
    return FamiliarRequests()


def meet(familiar: FamiliarRequests, *numbers: int) -> None:
    for number in numbers:
        familiar.meet(b"request %d" % number, request(), ASK)


def known(familiar: FamiliarRequests, number: int) -> bool:
    return familiar.get(b"request %d" % number) is not None


def test_a_request_is_kept_when_it_comes_for_the_second_time(familiar: FamiliarRequests) -> None:
    meet(familiar, 1, 2)
    assert not known(familiar, 1)
    assert not known(familiar, 2)
    meet(familiar, 1)
    found = familiar.get(b"request 1")
    assert found is not None
    assert found.ask is ASK
    assert not known(familiar, 2)


def test_those_that_come_once_push_nothing_out(familiar: FamiliarRequests) -> None:
    meet(familiar, 0, 0, *range(1, 50_000))
    assert known(familiar, 0)
    assert len(familiar) == 1


def test_between_two_times_thousands_may_come(familiar: FamiliarRequests) -> None:
    meet(familiar, *range(8_000), *range(8_000))
    assert known(familiar, 7_999)


def test_what_is_kept_and_noted_is_bounded(familiar: FamiliarRequests) -> None:
    meet(familiar, *(number for number in range(9_000) for _ in range(2)))
    assert len(familiar) == 4096
    assert known(familiar, 8_999)
    assert not known(familiar, 0)
    meet(familiar, *range(100_000, 117_000), 100_000)
    assert not known(familiar, 100_000)


@pytest.mark.parametrize(
    ("data", "given"),
    [
        (b"x" * 2000, request()),
        (b"closes", request(keeps=False)),
        (b"old", request("1.0")),
    ],
)
def test_large_ones_and_those_that_end_their_connection_are_not_kept(
    familiar: FamiliarRequests, data: bytes, given: Request
) -> None:
    for _ in range(3):
        familiar.meet(data, given, ASK)
    assert familiar.get(data) is None
