import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.contexts.loyalty.model import Status
from order_service.contexts.loyalty.ports import Failed, Unknown, Verdict
from order_service.contexts.loyalty.verdicts import read_answer

NUMBER = "12345678903"


def said(body: str, status: int = 200) -> object:
    return read_answer(NUMBER, status, body.encode())


@pytest.mark.parametrize(
    ("status", "accrual", "verdict"),
    [
        ("REGISTERED", "", Verdict(Status.PROCESSING, None)),
        ("PROCESSING", "", Verdict(Status.PROCESSING, None)),
        # Only what is finished counts.
        ("PROCESSING", ',"accrual":5', Verdict(Status.PROCESSING, None)),
        ("INVALID", "", Verdict(Status.INVALID, None)),
        ("INVALID", ',"accrual":5', Verdict(Status.INVALID, None)),
        ("PROCESSED", "", Verdict(Status.PROCESSED, None)),
        ("PROCESSED", ',"accrual":null', Verdict(Status.PROCESSED, None)),
        ("PROCESSED", ',"accrual":0', Verdict(Status.PROCESSED, None)),
        ("PROCESSED", ',"accrual":0.0', Verdict(Status.PROCESSED, None)),
        ("PROCESSED", ',"accrual":500', Verdict(Status.PROCESSED, 50000)),
        ("PROCESSED", ',"accrual":729.98', Verdict(Status.PROCESSED, 72998)),
        ("PROCESSED", ',"accrual":7.2998e2,"extra":[1]', Verdict(Status.PROCESSED, 72998)),
    ],
)
def test_an_answer_as_promised_is_believed(status: str, accrual: str, verdict: Verdict) -> None:
    assert said(f'{{"order":"{NUMBER}","status":"{status}"{accrual}}}') == verdict


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "Text/Plain; charset=utf-8", "text/plain"]
)
def test_text_is_believed_if_it_reads_as_promised(content_type: str) -> None:
    body = f'{{"order":"{NUMBER}","status":"PROCESSED","accrual":729.98}}'.encode()
    assert read_answer(NUMBER, 200, body, content_type) == Verdict(Status.PROCESSED, 72998)
    assert isinstance(read_answer(NUMBER, 200, body[:-1], content_type), Failed)
    assert read_answer(NUMBER, 200, body, "text/html") == Failed("no JSON")


@pytest.mark.parametrize("accrual", ["729.9799999999999", "-5", '"5"', "1e400"])
def test_a_decision_on_points_that_cannot_be_booked_is_told_from_other_failures(
    accrual: str,
) -> None:
    answer = said(f'{{"order":"{NUMBER}","status":"PROCESSED","accrual":{accrual}}}')
    assert isinstance(answer, Failed)
    assert answer.unbookable
    other = said(f'{{"order":"18","status":"PROCESSED","accrual":{accrual}}}')
    assert isinstance(other, Failed)
    assert not other.unbookable


def test_no_content_means_that_the_order_is_unknown() -> None:
    assert said("", 204) == Unknown()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"order":"12345678903","status":"PROCESSED","accrual":729.98',
        '{"order":"12345678903","status":"processed","accrual":5}',
        '{"order":"12345678903","status":"DONE"}',
        '{"order":"12345678903"}',
        '{"status":"PROCESSED","accrual":5}',
        '{"order":12345678903,"status":"PROCESSED","accrual":5}',
        '{"order":"9278923470","status":"PROCESSED","accrual":5}',
        '{"order":"12345678903","status":"PROCESSED","accrual":"5"}',
        '{"order":"12345678903","status":"PROCESSED","accrual":-5}',
        '{"order":"12345678903","status":"PROCESSED","accrual":5.001}',
        '{"order":"12345678903","status":"PROCESSED","accrual":true}',
        '{"order":"12345678903","status":"PROCESSED","accrual":1e400}',
        '{"order":"12345678903","status":"PROCESSED","accrual":NaN}',
        "<html>hello</html>",
    ],
)
def test_whatever_is_not_exactly_as_promised_is_no_answer(body: str) -> None:
    assert isinstance(said(body), Failed)


@pytest.mark.parametrize("status", [199, 201, 301, 400, 404, 500, 502, 503])
def test_every_other_status_is_no_answer(status: int) -> None:
    body = json.dumps({"order": NUMBER, "status": "PROCESSED", "accrual": 5})
    assert isinstance(said(body, status), Failed)


@given(st.binary(max_size=200))
def test_no_bytes_whatsoever_are_more_than_a_failure(body: bytes) -> None:
    assert isinstance(read_answer(NUMBER, 200, body), Failed)
