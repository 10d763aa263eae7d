"""Liveness, readiness, and the server that the consumer shows them with."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from urllib.error import HTTPError

import pytest
import structlog

from order_service.http.health import PartState, Readiness, Status
from order_service.http.operations import OperationsServer, serve_operations
from order_service.infra.kafka.topic import Subscription
from order_service.metrics import ConsumerMetrics, Registry
from tests.unit.http_support import Part, client, json_of, services


@pytest.mark.parametrize(
    ("parts", "code", "status"),
    [
        ([Part("postgres"), Part("redis")], 200, "ok"),
        ([Part("postgres"), Part("redis", ok=False)], 200, "degraded"),
        ([Part("postgres", ok=False), Part("redis")], 200, "degraded"),
        ([Part("postgres", ok=False), Part("redis", ok=False)], 503, "failing"),
        ([Part("kafka", ok=False, required=True), Part("redis")], 503, "failing"),
        ([Part("kafka", required=True), Part("redis", ok=False)], 200, "degraded"),
        ([], 200, "ok"),
    ],
)
def test_readiness_follows_the_parts(parts: list[Part], code: int, status: str) -> None:
    answer = client(services(parts=parts)).get("/health/ready")
    assert answer.status_code == code
    assert json_of(answer)["status"] == status
    assert json_of(answer)["parts"] == {part.name: {"ok": part.ok, "seen": 1} for part in parts}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("postgres", "redis", "keys", "status"),
    [
        (True, True, True, Status.OK),
        (False, True, True, Status.DEGRADED),
        (True, True, False, Status.FAILING),
        (False, False, True, Status.FAILING),
    ],
)
def test_a_condition_is_required_and_does_not_stand_in_for_a_part(
    *, postgres: bool, redis: bool, keys: bool, status: Status
) -> None:
    parts = [Part("postgres", ok=postgres), Part("redis", ok=redis)]
    report = Readiness(parts, [Part("keys", ok=keys, required=True)]).report()
    assert report.status is status
    assert set(report.parts) == {"postgres", "redis", "keys"}


def test_a_process_that_answers_is_live_whatever_its_parts_are() -> None:
    answer = client(services(parts=[Part("postgres", ok=False)])).get("/health/live")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "parts": {}})


class BrokenCheck:
    name = "kafka"
    required = True

    def state(self) -> PartState:
        raise RuntimeError("secret")


def test_a_check_that_breaks_counts_as_a_part_that_is_not_well() -> None:
    with structlog.testing.capture_logs() as logs:
        report = Readiness([BrokenCheck()]).report()
    assert report.status == "failing"
    assert b"secret" not in report.as_json()
    assert logs[0]["part"] == "kafka"


class WaitingCheck:
    """Answers when all of its kind have been asked, and not before."""

    required = False

    def __init__(self, name: str, asked: threading.Barrier) -> None:
        self.name = name
        self._asked = asked

    def state(self) -> PartState:
        self._asked.wait(10)
        return PartState(ok=True)


def test_parts_are_asked_at_once_so_that_their_waiting_does_not_add_up() -> None:
    asked = threading.Barrier(5)
    checks = [WaitingCheck(f"part-{number}", asked) for number in range(5)]
    assert Readiness(checks[:4], checks[4:]).report().status is Status.OK


@pytest.fixture
def operations() -> Iterator[OperationsServer]:
    registry = Registry()
    ConsumerMetrics(registry, Subscription("orders", "group")).lag({0: 5})
    parts = Readiness([Part("kafka", required=True, ok=False)])
    server = serve_operations("127.0.0.1", 0, registry, parts)
    yield server
    server.close()


def opened(url: str) -> HTTPResponse:
    response = urllib.request.urlopen(url)  # noqa: S310 - always http on loopback
    assert isinstance(response, HTTPResponse)
    return response


def test_the_consumer_serves_metrics_and_health(operations: OperationsServer) -> None:
    base = f"http://127.0.0.1:{operations.port}"
    with opened(f"{base}/metrics") as answer:
        series = b'order_service_consumer_lag_messages{group="group",partition="0",topic="orders"}'
        assert series + b" 5.0" in answer.read()
    with opened(f"{base}/health/live") as answer:
        assert answer.status == 200
    with pytest.raises(HTTPError) as caught:
        opened(f"{base}/health/ready")
    with caught.value as refusal:
        assert refusal.code == 503
        assert json.load(refusal)["status"] == "failing"


def test_the_port_is_free_again_after_close() -> None:
    first = serve_operations("127.0.0.1", 0, Registry(), Readiness([]))
    first.close()
    second = serve_operations("127.0.0.1", first.port, Registry(), Readiness([]))
    second.close()
