"""The shop on the whole program: money comes in, goods go out, the page tells it as it happens."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.people import fill_delivery, heading, open_as
from tests.browser.test_points import lose_the_answer
from tests.browser.whole import Person, Whole

pytestmark = pytest.mark.browser

PATIENCE_MS = 30_000
MUG = "shop/buy/mug-stoneware"
PRICE = 1490


@pytest.fixture
def page_url(whole: Whole) -> str:
    return whole.url


@pytest.fixture
def rich(person: Person) -> Person:
    """Somebody with USD 100 in the wallet."""
    person.deposit(10_000)
    return person


def buy(page: Page, quantity: int = 1) -> None:
    """Buy what the page shows."""
    fill_delivery(page)
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name="Buy now").click()


def verdict(page: Page, words: str) -> None:
    expect(page.locator(".verdict")).to_have_text(words, timeout=PATIENCE_MS)


def balance_of(person: Person) -> int:
    return int(person.ask("GET", "/wallet")["balance"])


def purchases_of(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.ask("GET", "/purchases")["purchases"]
    return found


def test_everybody_sees_the_catalogue(page: Page, page_url: str) -> None:
    page.goto(page_url)
    page.get_by_role("link", name="Shop").click()
    expect(page.get_by_role("heading", name="Catalogue")).to_be_focused()
    expect(page.get_by_role("main").get_by_role("listitem")).to_have_count(10)
    page.get_by_role("link", name="Buy Stoneware mug").click()
    heading(page, "Sign in")


def test_a_purchase_turns_to_paid_without_a_reload_and_its_order_opens(
    rich: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, MUG, rich)
    buy(page, 2)
    heading(page, "Stoneware mug")
    verdict(page, "Paid")
    expect(page.get_by_role("main")).to_contain_text("Your wallet holds USD 70.20.")
    assert balance_of(rich) == 10_000 - 2 * PRICE
    [purchase] = purchases_of(rich)
    page.get_by_role("link", name="Open the order").click(timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name=purchase["order_uid"])).to_be_focused()
    expect(page.get_by_role("region", name="Delivery")).to_contain_text("Lindenstraße 1")


def test_the_order_of_a_purchase_that_was_paid_before_opens(
    rich: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, MUG, rich)
    buy(page)
    verdict(page, "Paid")
    expect(page.get_by_role("link", name="Open the order")).to_be_visible(timeout=PATIENCE_MS)
    page.reload()
    verdict(page, "Paid")
    expect(page.get_by_role("link", name="Open the order")).to_be_visible(timeout=PATIENCE_MS)


def test_the_stream_says_when_it_is_paid(rich: Person, page: Page, page_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route(re.compile(r"/purchases/[^/]+$"), as_if_pending)
    open_as(page, page_url, MUG, rich)
    buy(page)
    verdict(page, "Paid")
    [purchase] = purchases_of(rich)
    assert sum(url.endswith(f"/purchases/{purchase['id']}") for url in asked) == 1
    assert any(url.endswith(f"/purchases/{purchase['id']}/events") for url in asked)


def test_where_no_stream_comes_through_it_is_asked_again(
    rich: Person, page: Page, page_url: str
) -> None:
    page.route("**/events", lambda route: route.abort())
    page.route(re.compile(r"/purchases/[^/]+$"), as_if_pending, times=1)
    open_as(page, page_url, MUG, rich)
    buy(page)
    verdict(page, "Paid")


def test_a_purchase_that_waits_for_long_can_be_asked_for_again(
    rich: Person, page: Page, page_url: str
) -> None:
    page.route("**/events", lambda route: route.abort())
    page.route(re.compile(r"/purchases/[^/]+$"), as_if_pending_for_long)
    open_as(page, page_url, MUG, rich)
    buy(page)
    with page.expect_request("**/retry") as asked:
        page.get_by_role("button", name="Ask again").click(timeout=PATIENCE_MS)
    assert asked.value.method == "POST"
    page.unroute(re.compile(r"/purchases/[^/]+$"))
    verdict(page, "Paid")
    expect(page.get_by_role("button", name="Ask again")).to_be_hidden()
    assert balance_of(rich) == 10_000 - PRICE


def test_without_a_wallet_nothing_is_bought_and_a_deposit_helps(
    person: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, MUG, person)
    expect(page.get_by_role("main")).to_contain_text("USD 14.90 is missing.")
    buy(page)
    verdict(page, "Not paid")
    expect(page.get_by_role("main")).to_contain_text("You have no wallet yet.")
    page.get_by_role("main").get_by_role("link", name="Deposit").click()
    heading(page, "Your wallet")
    page.get_by_label("Amount in USD").fill("20,5")
    page.get_by_role("button", name="Deposit").click()
    expect(page.get_by_text("USD 20.50 is in your wallet now.")).to_be_visible()
    expect(page.locator("#wallet-heading")).to_contain_text("USD 20.50")
    page.get_by_role("link", name="Purchases").click()
    page.get_by_role("link", name="Stoneware mug").click()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_label("Address", exact=True)).to_have_value("Lindenstraße 1")
    page.get_by_role("button", name="Buy now").click()
    verdict(page, "Paid")
    assert balance_of(person) == 2050 - PRICE


def test_too_little_money_takes_nothing(rich: Person, page: Page, page_url: str) -> None:
    open_as(page, page_url, "shop/buy/bicycle-city", rich)
    buy(page)
    verdict(page, "Not paid")
    expect(page.get_by_role("main")).to_contain_text("There is not enough money in your wallet.")
    assert balance_of(rich) == 10_000


@pytest.mark.parametrize("text", ["0", "-5", "0.001", "1e3", "fifty"])
def test_what_is_no_amount_is_not_deposited(
    rich: Person, page: Page, page_url: str, text: str
) -> None:
    open_as(page, page_url, "shop/wallet", rich)
    page.get_by_label("Amount in USD").fill(text)
    page.get_by_role("button", name="Deposit").click()
    expect(page.get_by_label("Amount in USD")).to_have_attribute("aria-invalid", "true")
    assert balance_of(rich) == 10_000


def test_what_the_service_refuses_is_told_beside_the_field(
    rich: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, "shop/wallet", rich)
    page.get_by_label("Amount in USD").fill("99999999999")
    page.get_by_role("button", name="Deposit").click()
    field = page.get_by_label("Amount in USD")
    expect(field).to_have_accessible_description(re.compile(r"At most USD\s21,474,836\.47\."))
    expect(field).to_have_value("99999999999")


def test_a_deposit_whose_answer_is_lost_comes_once(rich: Person, page: Page, page_url: str) -> None:
    open_as(page, page_url, "shop/wallet", rich)
    page.route("**/wallet/deposits", lose_the_answer)
    page.get_by_label("Amount in USD").fill("50")
    page.get_by_role("button", name="Deposit").click()
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer.")
    page.unroute("**/wallet/deposits")
    page.get_by_role("button", name="Deposit").click()
    expect(page.locator("#wallet-heading")).to_contain_text("USD 150.00")
    assert balance_of(rich) == 15_000


def test_a_purchase_whose_answer_is_lost_is_made_once(
    rich: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, MUG, rich)
    page.route("**/purchases", lose_posts)
    buy(page)
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer.")
    page.unroute("**/purchases")
    page.get_by_role("button", name="Buy now").click()
    verdict(page, "Paid")
    assert len(purchases_of(rich)) == 1


def test_what_was_typed_is_there_after_a_look_at_the_wallet(
    rich: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, MUG, rich)
    expect(page.get_by_label("Name")).to_have_value("Ann Example")
    expect(page.get_by_label("E-mail")).to_have_value(rich.login)
    fill_delivery(page)
    page.get_by_label("Quantity").fill("7")
    expect(page.locator(".sum-line")).to_contain_text("USD 104.30")
    page.get_by_role("link", name="Deposit").click()
    heading(page, "Your wallet")
    page.go_back()
    expect(page.get_by_label("Quantity")).to_have_value("7")
    expect(page.get_by_label("Region")).to_have_value("Berlin")


def test_what_was_bought_is_given_back_once(rich: Person, page: Page, page_url: str) -> None:
    open_as(page, page_url, MUG, rich)
    buy(page)
    verdict(page, "Paid")
    page.get_by_role("button", name="Return it").click()
    page.get_by_role("button", name="Return it and get the money back?").click()
    verdict(page, "Refunded")
    assert balance_of(rich) == 10_000
    page.get_by_role("link", name="Wallet", exact=True).click()
    movements = page.get_by_role("region", name="Movements").get_by_role("listitem")
    expect(movements).to_have_count(3)
    expect(movements.first).to_contain_text("Given back")
    expect(movements.first).to_contain_text("+USD 14.90")


def test_a_long_list_of_purchases_loads_more(rich: Person, page: Page, page_url: str) -> None:
    goods = {"product_id": "1", "description": "Button", "quantity": 1, "price": 1}
    for _ in range(12):
        rich.ask("POST", "/purchases", goods)
    open_as(page, page_url, "shop/purchases", rich)
    rows = page.get_by_role("region", name="Purchases").get_by_role("listitem")
    expect(rows).to_have_count(10)
    page.get_by_role("button", name="Load more").click()
    expect(rows).to_have_count(12)
    expect(rows.nth(10).get_by_role("link")).to_be_focused()


def test_a_purchase_of_somebody_else_is_nothing_here(
    whole: Whole, rich: Person, page: Page, page_url: str
) -> None:
    goods = {"product_id": "1", "description": "Button", "quantity": 1, "price": 1}
    purchase = whole.person().ask("POST", "/purchases", goods)["id"]
    open_as(page, page_url, f"shop/purchases/{purchase}", rich)
    heading(page, "There is nothing here")


def test_one_buys_by_keyboard_alone(rich: Person, page: Page, page_url: str) -> None:
    open_as(page, page_url, "account", rich)
    heading(page, rich.login)
    tab_to(page, "Shop")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Catalogue")).to_be_focused()
    tab_to(page, "Buy Dotted notebook")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dotted notebook")).to_be_focused()
    for label, text in {
        "Phone": "+49 30 1",
        "Address": "A 1",
        "Postal code": "1",
        "City": "B",
    }.items():
        tab_to(page, label)
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Region")).to_be_focused()  # it is missing
    page.keyboard.type("C")
    tab_to(page, "Buy now")
    page.keyboard.press("Space")
    verdict(page, "Paid")
    expect(page.get_by_role("heading", name="Dotted notebook")).to_be_focused()
    expect(page.locator("#announcer")).to_contain_text("Paid")


FOCUSED = """() => {
  const focused = document.activeElement;
  const label = focused.labels?.[0]?.textContent ?? focused.getAttribute("aria-label");
  return (label ?? focused.textContent).trim();
}"""


def tab_to(page: Page, name: str) -> None:
    """Press the tabulator until what has this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == name:
            return
    raise AssertionError(f"no way leads to {name}")


def as_if_pending(route: Route) -> None:
    """Show a purchase as it was before it was settled."""
    answer = route.fetch()
    route.fulfill(
        response=answer,
        json={**answer.json(), "status": "pending", "order_uid": None, "reason": None},
    )


def as_if_pending_for_long(route: Route) -> None:
    """Show a purchase as if its answer had been lost an hour ago."""
    answer = route.fetch()
    waiting = {"status": "pending", "order_uid": None, "reason": None, "settled_at": None}
    created = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    route.fulfill(response=answer, json={**answer.json(), **waiting, "created_at": created})


def lose_posts(route: Route) -> None:
    if route.request.method == "POST":
        lose_the_answer(route)
    else:
        route.continue_()
