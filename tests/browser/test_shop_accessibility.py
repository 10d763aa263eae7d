"""The parts beside the orders for everyone: axe-core, widths, the focus."""

from itertools import product

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import NewPage, Scheme
from tests.browser.people import heading, open_as
from tests.browser.test_accessibility import DESKTOP, PHONE, audit
from tests.browser.whole import Person, Whole

pytestmark = pytest.mark.browser

SCHEMES: tuple[Scheme, ...] = ("light", "dark")
OPEN = {"shop": "Catalogue", "account": "Sign in", "account/sign-up": "Create an account"}
OWN = {
    "account": "",
    "points": "Your points",
    "shop": "Catalogue",
    "shop/buy/bicycle-city": "City bicycle",
    "shop/purchases": "Purchases",
    "shop/purchases/{purchase}": "w" * 200,
    "shop/wallet": "Your wallet",
}


@pytest.fixture
def page_url(whole: Whole) -> str:
    return whole.url


@pytest.fixture(scope="module")
def busy(whole: Whole) -> Person:
    """Somebody whose every list has something on it, some of it with very long words."""
    person = whole.person(name="n" * 255)
    person.deposit(2_000_000_000)
    delivery = dict.fromkeys(("name", "phone", "zip", "city", "address", "region"), "d" * 255)
    goods = {"product_id": "1", "description": "w" * 200, "quantity": 3, "price": 500_000_000}
    person.ask("POST", "/purchases", goods | {"delivery": delivery | {"email": "a@example.com"}})
    person.ask("POST", "/purchases", goods | {"quantity": 1})
    person.ask("POST", "/api/user/orders", int(whole.number()), Content_Type="text/plain")
    whole.ask("POST", "/auth/login", {"login": person.login, "password": person.password})
    return person


def everywhere(page: Page) -> None:
    """Audit a page in all sizes and colours."""
    for summary in page.locator("main summary").all():
        summary.click()
    for size, scheme in product((PHONE, DESKTOP), SCHEMES):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert audit(page) == [], (size, scheme)
    for width in (320, 360, 700, 1000):
        page.set_viewport_size(ViewportSize(width=width, height=740))
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def go_as(page: Page, url: str, place: str, person: Person) -> None:
    """Open a place that is shown to everybody or to its person alone."""
    open_as(page, url, "account", person)
    heading(page, person.login)
    page.goto(f"{url}/#/{place}")


@pytest.mark.parametrize("place", OPEN)
def test_axe_finds_no_fault_in_what_everybody_sees(
    new_page: NewPage, page_url: str, place: str
) -> None:
    page = new_page(reduced_motion="reduce")
    page.goto(f"{page_url}/#/{place}")
    heading(page, OPEN[place])
    everywhere(page)


def test_axe_finds_no_fault_in_a_form_with_faults(new_page: NewPage, page_url: str) -> None:
    page = new_page(reduced_motion="reduce")
    page.goto(f"{page_url}/#/account/sign-up")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator("[aria-invalid]")).to_have_count(2)
    everywhere(page)


@pytest.mark.parametrize("place", OWN)
def test_axe_finds_no_fault_in_what_is_ones_own(
    busy: Person, new_page: NewPage, page_url: str, place: str
) -> None:
    page = new_page(reduced_motion="reduce")
    # The one with a delivery, the longer one, was bought first.
    bought = busy.ask("GET", "/purchases")["purchases"][-1]["id"]
    go_as(page, page_url, place.format(purchase=bought), busy)
    heading(page, OWN[place] or busy.login)
    everywhere(page)


@pytest.mark.parametrize("place", ["account", "points", "shop", "shop/purchases", "shop/wallet"])
def test_axe_finds_no_fault_where_nothing_is_yet(
    person: Person, new_page: NewPage, page_url: str, place: str
) -> None:
    page = new_page(reduced_motion="reduce")
    go_as(page, page_url, place, person)
    heading(page, OWN[place] or person.login)
    everywhere(page)


def test_the_skip_link_leads_to_the_part_that_is_shown(page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/#/shop")
    heading(page, "Catalogue")
    page.get_by_role("link", name="Skip to the result").press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    expect(page).to_have_url(f"{page_url}/#/shop")
