"""What tests do with the page as people do it."""

from playwright.sync_api import Page, expect

from tests.browser.whole import Person

PHONE_NUMBER = "+49 30 1234567"


def sign_in(page: Page, login: str, password: str) -> None:
    """Fill in the form that asks who one is, and send it."""
    page.get_by_label("Login or e-mail address").fill(login)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def open_as(page: Page, url: str, place: str, person: Person) -> None:
    """Open a place that is a person's own, and sign in."""
    page.goto(f"{url}/#/{place}")
    sign_in(page, person.login, person.password)
    expect(page.get_by_role("heading", name="Sign in")).to_have_count(0)


def heading(page: Page, name: str) -> None:
    """Expect a heading in the main part of the page."""
    expect(page.get_by_role("main").get_by_role("heading", name=name, exact=True)).to_be_visible()


def fill_delivery(page: Page) -> None:
    """Say where a purchase shall go; the name and the address are there already."""
    page.get_by_label("Phone").fill(PHONE_NUMBER)
    page.get_by_label("Address", exact=True).fill("Lindenstraße 1")
    page.get_by_label("Postal code").fill("10969")
    page.get_by_label("City", exact=True).fill("Berlin")
    page.get_by_label("Region", exact=True).fill("Berlin")
