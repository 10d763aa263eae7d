"""What the page says when there is no order to show."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import stop_clock
from tests.browser.site import Site, canonical_order, ok, problem

pytestmark = pytest.mark.browser

UID = "b563feb7b2b84b6test"
ORDER = f"/order/{UID}"


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("main").get_by_role("heading", name=name)).to_be_visible()


def test_an_unknown_id_says_so_and_offers_other_searches(page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?order=nobody-1")
    heading(page, "No such order")
    main = page.get_by_role("main")
    expect(main).to_contain_text("nobody-1")
    expect(main).to_contain_text("req-1")
    main.get_by_role("link", name="Try it as a customer").click()
    expect(page).to_have_url(f"{page_url}/?customer_id=nobody-1")
    heading(page, "No orders for this customer")


@pytest.mark.parametrize("value", ["with space", "a" * 65, "a/b", "..", "ключ"])
def test_a_malformed_id_is_explained_without_asking(
    site: Site, page: Page, page_url: str, value: str
) -> None:
    page.goto(page_url)
    page.get_by_role("searchbox").fill(value)
    page.keyboard.press("Enter")
    heading(page, "That is not an order id")
    assert [path for path in site.asked if path.startswith("/order/")] == []


def test_a_malformed_id_by_the_services_own_rule_is_explained_too(
    site: Site, page: Page, page_url: str
) -> None:
    site.script(ORDER, problem(400, "No."))
    page.goto(f"{page_url}/?order={UID}")
    heading(page, "That is not an order id")


def test_trouble_is_told_and_try_again_brings_the_order(
    site: Site, page: Page, page_url: str
) -> None:
    site.script(
        ORDER, problem(503, "The database is away.", Retry_After="30"), ok(canonical_order())
    )
    page.goto(f"{page_url}/?order={UID}")
    heading(page, "The service cannot answer right now")
    main = page.get_by_role("main")
    expect(main).to_contain_text("The database is away.")
    expect(main).to_contain_text(re.compile(r"Trying again by itself in (30|29) s"))
    main.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name=UID)).to_be_focused()


def test_trouble_passes_by_itself_after_retry_after(site: Site, page: Page, page_url: str) -> None:
    site.script(ORDER, problem(503, Retry_After="30"), ok(canonical_order()))
    stop_clock(page)
    page.goto(f"{page_url}/?order={UID}")
    heading(page, "The service cannot answer right now")
    page.clock.run_for(28_000)
    assert site.asked.count(ORDER) == 1
    page.clock.run_for(3_000)
    heading(page, UID)


def test_leaving_the_trouble_ends_its_retries(site: Site, page: Page, page_url: str) -> None:
    site.script(ORDER, problem(503))
    stop_clock(page)
    page.goto(f"{page_url}/?order={UID}")
    heading(page, "The service cannot answer right now")
    page.get_by_role("link", name="other-01").click()
    heading(page, "other-01")
    page.clock.run_for(60_000)
    heading(page, "other-01")
    assert site.asked.count(ORDER) == 1


def test_an_answer_that_is_no_json_is_trouble(site: Site, page: Page, page_url: str) -> None:
    answer = ok({})
    answer.body = b"<html>a proxy's idea of an answer</html>"
    site.script(ORDER, answer)
    page.goto(f"{page_url}/?order={UID}")
    heading(page, "The service cannot answer right now")


def test_offline_is_told_and_ends_by_itself(page: Page, page_url: str) -> None:
    page.goto(page_url)
    expect(page.locator("#recent-list a")).to_have_count(4)
    page.context.set_offline(offline=True)
    expect(page.get_by_text("What you see may be out of date")).to_be_visible()
    page.get_by_role("link", name=UID).click()
    heading(page, "You are offline")
    page.context.set_offline(offline=False)
    heading(page, UID)
    expect(page.get_by_text("What you see may be out of date")).to_be_hidden()
