"""A service that closes reading: the page asks for the key once, and keeps it in its tab only."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, Scheme
from tests.browser.site import Site, problem
from tests.browser.test_accessibility import audit

pytestmark = pytest.mark.browser

UID = "b563feb7b2b84b6test"
KEY = "osk_" + "k" * 43
OTHER_KEY = "osk_" + "x" * 43
STORED = "JSON.stringify([{...localStorage}, document.cookie])"


@pytest.fixture
def closed(site: Site) -> Site:
    site.key = KEY
    return site


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("main").get_by_role("heading", name=name)).to_be_visible()


def enter(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")


def test_the_key_is_asked_for_and_brings_the_order_and_the_list(
    closed: Site, page: Page, page_url: str
) -> None:
    page.goto(f"{page_url}/?order={UID}")
    heading(page, "Reading orders needs a key")
    expect(page.get_by_text("The list needs a key.")).to_be_visible()
    enter(page, f" {closed.key} ")
    expect(page.get_by_role("heading", name=UID)).to_be_focused()
    expect(page.locator("#recent-list a")).to_have_count(4)


def test_the_start_page_asks_for_the_key_too(closed: Site, page: Page, page_url: str) -> None:
    page.goto(page_url)
    heading(page, "Reading orders needs a key")
    enter(page, closed.key)
    heading(page, "Look up an order")
    expect(page.locator("#recent-list a")).to_have_count(4)


def test_the_key_is_asked_for_once(closed: Site, page: Page, page_url: str) -> None:
    page.goto(page_url)
    enter(page, closed.key)
    page.get_by_role("link", name="other-01").click()
    heading(page, "other-01")
    page.reload()
    heading(page, "other-01")


def test_the_key_stays_in_its_tab(closed: Site, page: Page, page_url: str) -> None:
    page.goto(page_url)
    enter(page, closed.key)
    expect(page.locator("#recent-list a")).to_have_count(4)
    assert KEY not in page.evaluate(STORED)
    assert KEY not in page.url
    assert not any(KEY in target for target in closed.asked)
    sibling = page.context.new_page()
    sibling.goto(page_url)
    expect(sibling.get_by_label("API key")).to_be_visible()


def test_a_key_that_is_not_valid_is_told_and_forgotten(
    closed: Site, page: Page, page_url: str
) -> None:
    page.goto(f"{page_url}/?order={UID}")
    enter(page, OTHER_KEY)
    heading(page, "This key is not valid")
    assert OTHER_KEY not in page.evaluate("JSON.stringify({...sessionStorage})")
    enter(page, closed.key)
    heading(page, UID)


def test_a_text_that_is_no_key_is_not_sent(closed: Site, page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?order={UID}")
    heading(page, "Reading orders needs a key")
    page.wait_for_load_state("networkidle")
    asked = len(closed.asked)
    enter(page, "my password")
    assert page.get_by_label("API key").evaluate("input => input.validity.patternMismatch")
    assert len(closed.asked) == asked


def test_a_key_that_is_revoked_meanwhile_is_asked_for_again(
    closed: Site, page: Page, page_url: str
) -> None:
    page.goto(page_url)
    enter(page, closed.key)
    expect(page.locator("#recent-list a")).to_have_count(4)
    closed.key = OTHER_KEY
    page.get_by_role("link", name="other-01").click()
    heading(page, "This key is not valid")
    expect(page.locator("#recent-list a")).to_have_count(0)


def test_a_key_without_the_scope_is_told_and_kept(site: Site, page: Page, page_url: str) -> None:
    site.script(f"/order/{UID}", problem(403, "No."))
    page.goto(f"{page_url}/?order={UID}")
    heading(page, "This key may not read orders")


def test_the_key_can_be_forgotten(closed: Site, page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?order={UID}")
    forget = page.get_by_role("button", name="Forget key")
    expect(forget).to_be_hidden()
    enter(page, closed.key)
    heading(page, UID)
    forget.click()
    heading(page, "Reading orders needs a key")
    expect(page.locator("#recent-list a")).to_have_count(0)
    expect(forget).to_be_hidden()


def test_the_raw_json_is_shown_although_a_link_carries_no_key(
    closed: Site, page: Page, page_url: str
) -> None:
    page.goto(f"{page_url}/?order={UID}")
    enter(page, closed.key)
    page.get_by_role("link", name="Raw JSON").click()
    page.wait_for_url(re.compile("^blob:"))
    expect(page.locator("body")).to_contain_text(f'"order_uid": "{UID}"')
    page.go_back()
    heading(page, UID)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_form_is_for_everyone(
    closed: Site, new_page: NewPage, page_url: str, scheme: Scheme, width: int
) -> None:
    assert closed.key
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(f"{page_url}/?order={UID}")
    expect(page.get_by_label("API key")).to_be_visible()
    assert audit(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_open_service_asks_for_no_key(page: Page, page_url: str) -> None:
    page.goto(page_url)
    expect(page.locator("#recent-list a")).to_have_count(4)
    expect(page.get_by_label("API key")).to_have_count(0)
    expect(page.get_by_role("button", name="Forget key")).to_be_hidden()
