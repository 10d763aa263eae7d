"""The list of recent orders: quiet, current, and never moving under the reader's hand."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import stop_clock
from tests.browser.site import Site, order_like, problem

pytestmark = pytest.mark.browser

REFRESH = 5_000
SET_HIDDEN = """(hidden) => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def recent(page: Page, page_url: str) -> Page:
    """The start page with its list loaded and its clock in the test's hand."""
    stop_clock(page)
    page.goto(page_url)
    expect(page.locator("#recent-list a")).to_have_count(4)
    return page


def listings(site: Site) -> int:
    return sum(path.startswith("/orders?") for path in site.asked)


def test_a_click_on_a_recent_order_opens_and_marks_it(recent: Page, page_url: str) -> None:
    link = recent.get_by_role("link", name="other-02")
    link.click()
    expect(recent.get_by_role("heading", name="other-02")).to_be_visible()
    expect(recent).to_have_url(f"{page_url}/?order=other-02")
    expect(link).to_have_attribute("aria-current", "page")


def test_new_orders_appear_at_the_top(site: Site, recent: Page) -> None:
    site.orders.insert(0, order_like("brand-new"))
    recent.clock.run_for(REFRESH)
    expect(recent.locator("#recent-list a").first).to_contain_text("brand-new")


def test_rows_stay_put_under_the_focus_until_asked(site: Site, recent: Page) -> None:
    recent.locator("#recent-list a").first.focus()
    site.orders.insert(0, order_like("brand-new"))
    recent.clock.run_for(REFRESH)
    button = recent.get_by_role("button", name="Show 1 new order")
    expect(button).to_be_visible()
    expect(recent.locator("#recent-list a")).to_have_count(4)
    button.press("Enter")
    expect(recent.get_by_role("link", name="brand-new")).to_be_focused()
    expect(button).to_be_hidden()


def test_nothing_is_asked_while_the_tab_is_hidden(site: Site, recent: Page) -> None:
    recent.evaluate(SET_HIDDEN, arg=True)
    before = listings(site)
    recent.clock.run_for(20 * REFRESH)
    assert listings(site) == before
    site.orders.insert(0, order_like("brand-new"))
    recent.evaluate(SET_HIDDEN, arg=False)
    expect(recent.get_by_role("link", name="brand-new")).to_be_visible()


def test_errors_slow_the_refreshing_down_and_it_recovers(site: Site, recent: Page) -> None:
    site.script("/orders", problem(503))
    state = recent.locator("#recent-state")
    with recent.expect_response("**/orders?*"):
        recent.clock.run_for(REFRESH)
    expect(state).to_have_text("not updating")
    before = listings(site)
    recent.clock.run_for(REFRESH + 2_000)
    assert listings(site) == before
    site.restore("/orders")
    with recent.expect_response("**/orders?*"):
        recent.clock.run_for(REFRESH)
    expect(state).to_have_text("live")


def test_load_more_adds_older_orders_that_survive_a_refresh(site: Site, recent: Page) -> None:
    site.orders += [order_like(f"old-{number:02}") for number in range(20)]
    recent.clock.run_for(REFRESH)
    rows = recent.locator("#recent-list a")
    expect(rows).to_have_count(15)
    recent.get_by_role("button", name="Load more").click()
    expect(rows).to_have_count(24)
    recent.get_by_role("searchbox").hover()
    recent.get_by_role("searchbox").focus()
    site.orders.insert(0, order_like("brand-new"))
    recent.clock.run_for(REFRESH)
    expect(rows).to_have_count(25)


def test_an_empty_service_says_what_will_come(site: Site, page: Page, page_url: str) -> None:
    site.orders.clear()
    page.goto(page_url)
    expect(page.get_by_text("No orders yet. They appear here as they arrive.")).to_be_visible()
