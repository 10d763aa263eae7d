"""What an order holds is text: it never becomes markup, script or a request."""

from typing import cast
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Watch, policy_violations
from tests.browser.site import Order, Site, canonical_order

pytestmark = pytest.mark.browser

ATTACKS = (
    "<img src=x onerror=window.pwned=1>",
    "<script>window.pwned=1</script>",
    '"><svg onload=window.pwned=1>',
    "<a href=javascript:window.pwned=1>x</a>",
)


BREAK_THE_POLICY = """() => new Promise((seen) => {
  document.addEventListener("securitypolicyviolation", seen, {once: true});
  document.body.append(Object.assign(document.createElement("style"), {textContent: "p {}"}));
})"""


def poisoned(value: object, attack: str) -> object:
    """The same structure with the attack in place of every string but the order's id."""
    if isinstance(value, dict):
        kept = {"order_uid", "currency", "date_created"}
        return {k: v if k in kept else poisoned(v, attack) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(element, attack) for element in value]
    return attack if isinstance(value, str) else value


@pytest.mark.parametrize("attack", ATTACKS)
def test_markup_in_an_order_is_shown_as_text(
    site: Site, page: Page, page_url: str, attack: str
) -> None:
    site.orders = [cast("Order", poisoned(canonical_order(), attack))]
    page.goto(f"{page_url}/?order=b563feb7b2b84b6test")
    main = page.get_by_role("main")
    expect(main.locator("address strong")).to_have_text(attack)
    expect(main.get_by_role("rowheader").first).to_contain_text(attack)
    assert main.locator("img, script, svg[onload], a[href^=javascript]").count() == 0
    main.get_by_role("link", name=attack).first.click()
    expect(page.locator("main")).to_be_visible()
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize("kind", ["order", "track_number", "customer_id"])
@pytest.mark.parametrize("attack", ATTACKS[:2])
def test_markup_in_a_link_is_shown_as_text(
    page: Page, page_url: str, kind: str, attack: str
) -> None:
    page.goto(page_url)
    page.evaluate("([k, v]) => { location.search = new URLSearchParams({[k]: v}) }", [kind, attack])
    expect(page.get_by_role("main")).to_contain_text(attack)
    assert page.evaluate("window.pwned") is None


def test_the_watch_over_every_page_sees_what_it_is_there_for(
    browser: Browser, page_url: str
) -> None:
    watch = Watch(urlsplit(page_url).netloc)
    with browser.new_context() as context:
        page = context.new_page()
        watch.attach(page)
        page.goto(page_url)
        page.evaluate(BREAK_THE_POLICY)
        page.evaluate("fetch('http://127.0.0.1:9/').catch(() => {})")
        blocked = ["style-src-elem inline", "connect-src http://127.0.0.1:9/"]
        assert policy_violations(page) == blocked
        page.evaluate("console.error('a mistake')")
    assert "a mistake" in watch.errors
