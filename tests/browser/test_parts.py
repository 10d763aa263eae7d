"""Contexts may be off or elsewhere: the page offers what is served, and says when it is away."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import heading, sign_in
from tests.browser.site import Answer, Site, ok, problem

pytestmark = pytest.mark.browser

ACCOUNTS = ("/auth/info", "/auth/login", "/auth/refresh")
ALL = (*ACCOUNTS, "/api/user/balance", "/wallet", "/purchases")


def parts(page: Page) -> list[str]:
    """The names of the parts that can be chosen."""
    expect(page.locator("#recent-list a").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    return page.locator("#parts").get_by_role("link").all_inner_texts()


def test_orders_alone_look_as_they_always_did(page: Page, page_url: str) -> None:
    page.goto(page_url)
    assert parts(page) == []
    expect(page.get_by_role("searchbox")).to_be_visible()


@pytest.mark.parametrize(
    ("routes", "names"),
    [
        (ALL, ["Orders", "Shop", "Points", "Account"]),
        (ACCOUNTS, ["Orders", "Account"]),
        ((*ACCOUNTS, "/api/user/balance"), ["Orders", "Points", "Account"]),
        (("/api/user/balance", "/wallet", "/purchases"), []),  # nobody could sign in
    ],
)
def test_what_this_process_serves_can_be_chosen(
    site: Site, page: Page, page_url: str, routes: tuple[str, ...], names: list[str]
) -> None:
    site.routes = [*routes]
    page.goto(page_url)
    assert parts(page) == names


def test_what_other_processes_serve_behind_the_same_address_is_found_once(
    site: Site, page: Page, page_url: str
) -> None:
    for path in ("/auth/info", "/wallet", "/purchases"):
        site.script(path, problem(401))
    page.goto(page_url)
    assert parts(page) == ["Orders", "Shop", "Account"]
    page.reload()
    assert parts(page) == ["Orders", "Shop", "Account"]
    assert site.asked.count("/wallet") == 1


def test_the_key_is_still_asked_for_beside_accounts(site: Site, page: Page, page_url: str) -> None:
    site.routes, site.key = [*ALL], "osk_" + "k" * 43
    page.goto(page_url)
    expect(page.get_by_label("API key")).to_be_visible()


def test_a_closed_service_is_read_in_the_name_of_who_is_signed_in(
    site: Site, page: Page, page_url: str
) -> None:
    site.routes, site.key = [*ALL], "an-access-token"
    page.add_init_script("localStorage['order-service.session'] = '1'")
    tokens = {"access_token": site.key, "user_id": "ann", "expires_in": 900}
    page.route("**/auth/refresh", lambda route: route.fulfill(json=tokens))
    page.goto(f"{page_url}/?order=other-01")
    heading(page, "other-01")
    expect(page.locator("#recent-list a")).to_have_count(4)
    expect(page.get_by_label("API key")).to_have_count(0)


def test_whoever_has_no_key_may_sign_in(site: Site, page: Page, page_url: str) -> None:
    site.routes, site.key = [*ALL], "an-access-token"
    page.goto(page_url)
    page.get_by_role("main").get_by_role("link", name="sign in").click()
    heading(page, "Sign in")


def test_trouble_in_the_shop_is_told_and_passes_by_itself(
    site: Site, page: Page, page_url: str
) -> None:
    site.routes = [*ALL]
    site.script("/web/catalogue.json", problem(503, "Not now."), catalogue())
    page.goto(f"{page_url}/#/shop")
    heading(page, "The service cannot answer right now")
    page.get_by_role("button", name="Try again").click()
    heading(page, "Catalogue")


def test_a_session_that_cannot_be_asked_for_is_no_sign_out(
    site: Site, page: Page, page_url: str
) -> None:
    site.routes = [*ALL]
    page.add_init_script("localStorage.setItem('order-service.session', '1')")
    page.route("**/auth/refresh", lambda route: route.fulfill(status=503, json={"detail": "No."}))
    page.goto(f"{page_url}/#/points")
    heading(page, "The service cannot answer right now")
    assert page.evaluate("localStorage.length") == 1


def test_a_session_that_has_ended_is_forgotten(site: Site, page: Page, page_url: str) -> None:
    site.routes = [*ALL]
    page.add_init_script("localStorage['order-service.session'] ??= '1'")
    page.route("**/auth/refresh", lambda route: route.fulfill(status=401, json={"detail": "No."}))
    page.goto(f"{page_url}/#/points")
    heading(page, "Sign in")
    assert page.evaluate("localStorage.length") == 0


def test_a_place_that_is_none_is_told(site: Site, page: Page, page_url: str) -> None:
    site.routes = [*ALL]
    page.goto(f"{page_url}/#/shop/nowhere")
    heading(page, "There is nothing here")
    page.get_by_role("main").get_by_role("link", name="Back").click()
    heading(page, "Catalogue")


def test_a_button_is_out_of_use_while_the_service_is_asked(
    site: Site, page: Page, page_url: str
) -> None:
    site.routes = [*ALL]
    asked: list[str] = []
    page.route("**/auth/login", lambda route: asked.append(route.request.url))
    page.goto(f"{page_url}/#/account")
    sign_in(page, "ann", "correct horse battery")
    button = page.get_by_role("button", name="Sign in")
    expect(button).to_be_disabled()
    page.get_by_label("Password", exact=True).press("Enter")
    assert len(asked) == 1


def catalogue() -> Answer:
    goods = {"id": "a", "name": "A", "description": "Ay", "price": 1, "glyph": "mug"}
    return ok({"currency": "USD", "goods": [goods]})
