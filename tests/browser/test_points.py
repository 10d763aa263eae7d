"""My points on the whole program: collected, spent, and told as they change."""

import re
import uuid

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.people import heading, open_as
from tests.browser.whole import Person, Whole
from tests.waiting import eventually

pytestmark = pytest.mark.browser

PATIENCE_MS = 45_000
"""The calculation is somebody else's, and numbers that are not known yet are asked about again."""


@pytest.fixture
def page_url(whole: Whole) -> str:
    return whole.url


@pytest.fixture
def welcomed(person: Person) -> Person:
    """Somebody who has the points that everybody gets for the registration."""
    eventually(lambda: person.ask("GET", "/api/user/balance")["current"] == 100, 30, "points")
    return person


def calculate(whole: Whole, number: str, price: float) -> None:
    """Let the accrual system give a tenth of a price for an order."""
    goods = f"Teapot {uuid.uuid4().hex}"
    whole.ask("POST", "/api/goods", {"match": goods, "reward": 10, "reward_type": "%"})
    order = {"order": number, "goods": [{"description": goods, "price": price}]}
    whole.ask("POST", "/api/orders", order)


def collect(page: Page, number: str) -> None:
    form = page.get_by_role("form", name="Collect points")
    form.get_by_label("Order number").fill(number)
    form.get_by_role("button").click()


def pay(page: Page, number: str, points: str) -> None:
    form = page.get_by_role("form", name="Pay with points")
    form.get_by_label("Order number").fill(number)
    form.get_by_label("Points").fill(points)
    form.get_by_role("button").click()


def balance(page: Page, points: str) -> None:
    expect(page.locator("#points-heading strong")).to_have_text(points, timeout=PATIENCE_MS)


def test_points_come_without_a_reload(
    whole: Whole, welcomed: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, "points", welcomed)
    balance(page, "100")
    number = whole.number()
    collect(page, number)
    row = page.get_by_role("region", name="Your orders").get_by_role("listitem")
    expect(row).to_contain_text(number)
    expect(row).to_contain_text("waiting")
    calculate(whole, number, 7299.8)
    balance(page, "829.98")
    expect(row).to_contain_text("+729.98")
    expect(row).to_contain_text("done")
    page.get_by_text("All movements").click()
    movements = page.get_by_role("group").get_by_role("listitem")
    expect(movements.first).to_contain_text(f"Points for order{number}")
    expect(movements.last).to_contain_text("Welcome")


def test_a_reload_shows_the_same(welcomed: Person, page: Page, page_url: str) -> None:
    open_as(page, page_url, "points", welcomed)
    balance(page, "100")
    page.reload()
    balance(page, "100")
    page.get_by_text("All movements").click()
    expect(page.get_by_role("group").get_by_role("listitem")).to_contain_text("Welcome")


def test_a_number_that_is_mistyped_is_told_before_it_is_sent(
    whole: Whole, person: Person, page: Page, page_url: str
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method + request.url))
    open_as(page, page_url, "points", person)
    heading(page, "Your points")
    expect(page.get_by_text("No orders yet.")).to_be_visible()
    number = whole.number()
    collect(page, number[:-1] + str((int(number[-1]) + 1) % 10))
    field = page.get_by_role("form", name="Collect points").get_by_label("Order number")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("The last digit does not fit"))
    assert not any(each.startswith("POST") and "/api/user/orders" in each for each in sent)


def test_the_service_decides_about_numbers(
    whole: Whole, person: Person, page: Page, page_url: str
) -> None:
    number, others = whole.number(), whole.number()
    somebody = whole.person()
    somebody.ask("POST", "/api/user/orders", int(others), Content_Type="text/plain")
    open_as(page, page_url, "points", person)
    collect(page, f"{number[:4]} {number[4:]}")
    expect(page.get_by_text("Uploaded. The points come")).to_be_visible()
    collect(page, number)
    expect(page.get_by_text("You have uploaded this one before.")).to_be_visible()
    collect(page, others)
    expect(page.get_by_role("alert").first).to_have_text("Somebody else has uploaded this number.")
    expect(
        page.get_by_role("form", name="Collect points").get_by_label("Order number")
    ).to_have_value(others)


def test_points_pay_for_an_order(whole: Whole, welcomed: Person, page: Page, page_url: str) -> None:
    open_as(page, page_url, "points", welcomed)
    number = whole.number()
    pay(page, number, "100,01")
    alert = page.get_by_role("form", name="Pay with points").get_by_role("alert")
    expect(alert).to_have_text("There are not enough points.")
    page.get_by_label("Points", exact=True).fill("0.10")
    page.get_by_role("button", name="Pay with points").click()
    balance(page, "99.9")
    row = page.get_by_role("region", name="Paid with points").get_by_role("listitem")
    expect(row).to_contain_text(number)
    expect(row).to_contain_text("-0.1")


@pytest.mark.parametrize("text", ["0", "-1", "1.001", "1e3", "many"])
def test_what_is_no_amount_is_told(
    whole: Whole, person: Person, page: Page, page_url: str, text: str
) -> None:
    open_as(page, page_url, "points", person)
    pay(page, whole.number(), text)
    expect(page.get_by_label("Points", exact=True)).to_have_attribute("aria-invalid", "true")
    assert person.ask("GET", "/api/user/withdrawals") is None


def test_an_answer_that_is_lost_costs_nobody_twice(
    whole: Whole, welcomed: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, "points", welcomed)
    page.route("**/balance/withdraw", lose_the_answer)
    pay(page, whole.number(), "40")
    alert = page.get_by_role("form", name="Pay with points").get_by_role("alert")
    expect(alert).to_contain_text("The service does not answer.")
    page.unroute("**/balance/withdraw")
    page.get_by_role("button", name="Pay with points").click()
    balance(page, "60")
    assert len(welcomed.ask("GET", "/api/user/withdrawals")) == 1


def lose_the_answer(route: Route) -> None:
    """Let a request arrive, and its answer not."""
    route.fetch()
    route.abort()
