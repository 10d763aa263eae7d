"""The page for everyone: an axe-core audit of every state, colours, widths and paper."""

from importlib.resources import files
from itertools import product
from typing import Protocol, Unpack

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import Look, NewPage, Scheme
from tests.browser.site import Site, order_like, problem

pytestmark = pytest.mark.browser

UID = "b563feb7b2b84b6test"
WIDE_ID = "x" * 64
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE = ViewportSize(width=360, height=740)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
DESKTOP = ViewportSize(width=1280, height=900)
PLACES = {
    "start": "/",
    "order": f"/?order={UID}",
    "results": "/?customer_id=test",
    "not found": "/?order=nobody",
    "malformed": "/?order=a%20b",
    "trouble": "/?order=trouble",
}

# Brought in through the debugger, which the page's own policy does not bind.
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RUN_AXE = """async (tags) => {
  const {violations} = await axe.run(document, {runOnly: {type: "tag", values: tags}});
  return violations.map(({id, help, nodes}) => [id, help, ...nodes.map((node) => node.html)]);
}"""


class OpenPlace(Protocol):
    """Opens a place of PLACES and waits until it is complete."""

    def __call__(self, place: str, **look: Unpack[Look]) -> Page: ...


def audit(page: Page) -> list[list[str]]:
    """The faults that axe-core finds: its rule, what it asks for, the guilty elements."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    faults: list[list[str]] = page.evaluate(RUN_AXE, RULES)
    return faults


@pytest.fixture
def open_place(site: Site, new_page: NewPage, page_url: str) -> OpenPlace:
    def make(place: str, **look: Unpack[Look]) -> Page:
        site.script("/order/trouble", problem(503, "The database is away."))
        page = new_page(**look)
        page.goto(page_url + PLACES[place])
        expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
        expect(page.locator("#recent-list a").first).to_be_visible()
        return page

    return make


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_no_fault(open_place: OpenPlace, place: str) -> None:
    page = open_place(place, reduced_motion="reduce")
    for summary in page.locator("summary").all():
        summary.click()
    for size, scheme in product((PHONE, DESKTOP), SCHEMES):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert audit(page) == [], (size, scheme)


@pytest.mark.parametrize("place", PLACES)
def test_nothing_scrolls_sideways(site: Site, open_place: OpenPlace, place: str) -> None:
    wide = order_like(WIDE_ID, customer_id="c" * 255, track_number="t" * 255)
    wide["delivery"] |= {"name": "n" * 255, "city": "c" * 255}
    wide["payment"] |= {"amount": 2**63 - 1, "goods_total": 2**63 - 1}
    wide["items"] = [wide["items"][0] | {"brand": "b" * 255, "total_price": 2**63 - 1}]
    site.orders.insert(0, wide)
    page = open_place(place, viewport=PHONE)
    if place == "order":
        page.get_by_role("link", name=WIDE_ID).click()
        expect(page.get_by_role("heading", name=WIDE_ID)).to_be_visible()
    for width in (320, 390, 700, 1000):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_page_follows_the_viewers_colour_scheme(
    open_place: OpenPlace, scheme: Scheme, *, dark: bool
) -> None:
    page = open_place("order", color_scheme=scheme)
    shade = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    assert (max(page.evaluate(shade)) < 64) is dark


def test_on_paper_only_the_order_is_left_dark_on_white(open_place: OpenPlace) -> None:
    page = open_place("order", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_role("heading", name=UID)).to_be_visible()
    expect(page.locator("aside")).to_be_hidden()
    expect(page.locator("form")).to_be_hidden()
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == "rgb(22, 26, 34)"


def test_the_focus_is_always_visible(open_place: OpenPlace) -> None:
    page = open_place("order")
    style = (
        "(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle })()"
    )
    label = (
        "getComputedStyle(document.activeElement.nextElementSibling ?? document.body).outlineStyle"
    )
    for _ in range(20):
        page.keyboard.press("Tab")
        hidden_radio = page.evaluate("document.activeElement.type === 'radio'")
        assert page.evaluate(label if hidden_radio else style) != "none"
