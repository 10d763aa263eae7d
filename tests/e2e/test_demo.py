"""`order-service run --demo` as real processes: what the banner promises is there."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.stack_process import Stack, running
from tests.waiting import eventually

MOMENTS_S = 120.0
_DEMO = ("--demo", "--demo-rate", "5")
_SIGN_IN = re.compile(r"^  Sign in   (\S+) as (\S+) with the password (\S+)$", re.MULTILINE)


class Visitor(NamedTuple):
    """Somebody who signed in with what the banner says."""

    stack: Stack
    login: str
    token: str

    def ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return sent(self.stack, path, None, {"Authorization": f"Bearer {self.token}"})


def sent(stack: Stack, path: str, body: object, headers: dict[str, str]) -> Any:  # noqa: ANN401
    """The JSON of the answer; None if it has none."""
    data = None if body is None else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(stack.url + path, data, fields)  # noqa: S310 - http
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - http
        text = response.read()
    return json.loads(text) if text else None


def banner(stack: Stack) -> str:
    """The newest one."""
    return stack.log.read_text().rpartition("is ready (")[2]


def shown(stack: Stack, label: str) -> str:
    """What the banner says behind a label."""
    found = re.search(rf"^  {label:<9} (.*)$", banner(stack), re.MULTILINE)
    assert found, banner(stack)
    return found[1]


def signed_in(stack: Stack) -> Visitor:
    found = _SIGN_IN.search(banner(stack))
    assert found, banner(stack)
    where, login, password = found.groups()
    assert where.startswith(f"http://localhost:{stack.port}/")
    told = sent(stack, "/auth/login", {"login": login, "password": password}, {})
    return Visitor(stack, login, told["access_token"])


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def stack(data_dir: Path) -> Iterator[Stack]:
    with running(data_dir, *_DEMO) as stack:
        stack.await_ready()
        yield stack


@pytest.fixture(scope="module")
def visitor(stack: Stack) -> Visitor:
    return signed_in(stack)


def test_the_banner_says_how_to_sign_in(visitor: Visitor) -> None:
    assert visitor.ask("/auth/info")["login"] == visitor.login


def test_an_uploaded_number_has_become_points(visitor: Visitor) -> None:
    def points() -> list[tuple[str, object]]:
        return [(each["status"], each.get("accrual")) for each in numbers(visitor)]

    eventually(lambda: points() == [("PROCESSED", 73.03)], MOMENTS_S, "the points of the order")
    assert numbers(visitor)[0]["number"] in shown(visitor.stack, "Points")
    eventually(lambda: balance(visitor) == 173.03, MOMENTS_S, "those of the registration, too")


def numbers(visitor: Visitor) -> Any:  # noqa: ANN401 - JSON
    return visitor.ask("/api/user/orders")


def balance(visitor: Visitor) -> object:
    return visitor.ask("/api/user/balance")["current"]


def test_a_purchase_is_paid_for_and_becomes_an_order(visitor: Visitor) -> None:
    def purchases() -> Any:  # noqa: ANN401 - JSON
        return visitor.ask("/purchases")["purchases"]

    eventually(lambda: purchases()[0]["status"] == "approved", MOMENTS_S, "it is paid for")
    (purchase,) = purchases()
    assert shown(visitor.stack, "Purchase").endswith(f"/#/shop/purchases/{purchase['id']}")
    assert visitor.ask("/wallet")["balance"] == 10_000 - purchase["amount"]
    uid = purchase["order_uid"]
    assert shown(visitor.stack, "Order").endswith(f"/?order={uid}")
    eventually(lambda: visitor.stack.get(f"/order/{uid}") == 200, MOMENTS_S, "the order is found")
    order = visitor.ask(f"/order/{uid}")
    assert order["payment"]["amount"] == purchase["amount"]
    found = visitor.ask(f"/orders?customer_id={order['customer_id']}")["orders"]
    assert [each["order_uid"] for each in found] == [uid]


def test_sample_orders_are_sent_as_well(visitor: Visitor) -> None:
    def some() -> Any:  # noqa: ANN401 - JSON
        return visitor.ask("/orders?limit=5")["orders"]

    eventually(lambda: len(some()) == 5, MOMENTS_S, "sample orders")


def test_a_second_run_finds_everything_and_does_nothing_twice(
    visitor: Visitor, stack: Stack, data_dir: Path
) -> None:
    code, _ = stack.stop()
    assert code == 0, stack.log.read_text()
    with running(data_dir, *_DEMO) as again:
        again.await_ready()
        later = signed_in(again)
        assert later.login == visitor.login
        assert len(later.ask("/purchases")["purchases"]) == 1
        assert len(numbers(later)) == 1
        kinds = [entry["change"] for entry in later.ask("/wallet/entries")["entries"]]
        assert kinds == [-1490, 10_000]
        assert balance(later) == 173.03
        assert "not shown" not in banner(again)


def test_only_what_is_on_is_shown(tmp_path: Path) -> None:
    with running(tmp_path / "data", *_DEMO, "--contexts", "orders,accounts") as stack:
        stack.await_ready()
        signed_in(stack)
        assert not re.search(
            r"^  (Points|Wallet|Purchase|Order|Demo) ", banner(stack), re.MULTILINE
        )
