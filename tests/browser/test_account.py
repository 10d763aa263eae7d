"""Signing up, in and out on the whole program: what a person sees, and what no script can."""

import re

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.chromium import stop_clock
from tests.browser.people import heading, open_as, sign_in
from tests.browser.whole import PASSWORD, Person, Whole

pytestmark = pytest.mark.browser

STORED = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
TOKEN = re.compile(r"eyJ|ort_")
QUARTER_OF_AN_HOUR = 15 * 60_000
PROBLEM = "application/problem+json"


@pytest.fixture
def page_url(whole: Whole) -> str:
    return whole.url


def is_renewal(request: Request) -> bool:
    return request.url.endswith("/auth/refresh")


def test_one_signs_up_and_is_where_one_wanted_to_be(page: Page, page_url: str) -> None:
    login = "newcomer@example.com"
    page.goto(f"{page_url}/#/points")
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_role("heading", name="Create an account")).to_be_focused()
    page.get_by_label("Login or e-mail address").fill(login)
    page.get_by_label("Name").fill("New Comer")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    heading(page, "Your points")
    expect(page).to_have_url(f"{page_url}/#/points")
    page.get_by_role("link", name="Account").click()
    heading(page, login)
    expect(page.get_by_role("main")).to_contain_text("New Comer")
    expect(page.get_by_role("region", name="Sign-in history")).to_contain_text("Account created")


def test_faults_stand_beside_their_fields_and_nothing_typed_is_lost(
    person: Person, page: Page, page_url: str
) -> None:
    page.goto(f"{page_url}/#/account/sign-up")
    page.get_by_role("button", name="Create account").click()
    login = page.get_by_label("Login or e-mail address")
    expect(login).to_be_focused()
    expect(login).to_have_accessible_description(re.compile("Please fill this in."))
    login.fill("not an address@")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create account").click()
    password = page.get_by_label("Password", exact=True)
    expect(password).to_have_attribute("aria-invalid", "true")
    password.fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(login).to_have_attribute("aria-invalid", "true")  # by the service's own rule
    login.fill(person.login)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_have_text("This login is taken.")
    expect(password).to_have_value(PASSWORD)


def test_a_wrong_password_is_told_and_the_login_stays(
    person: Person, page: Page, page_url: str
) -> None:
    page.goto(f"{page_url}/#/account")
    sign_in(page, person.login, "wrong horse battery")
    expect(page.get_by_role("alert")).to_have_text("The login or the password is wrong.")
    expect(page.get_by_label("Login or e-mail address")).to_have_value(person.login)
    expect(page.get_by_role("button", name="Sign in")).to_be_enabled()
    sign_in(page, person.login, person.password)
    heading(page, person.login)
    expect(page.get_by_role("region", name="Sign-in history")).to_contain_text("Wrong password")


def test_whoever_has_to_wait_is_told_how_long(page: Page, page_url: str) -> None:
    page.route("**/auth/login", lambda route: refuse(route, 429, **{"Retry-After": "30"}))
    page.goto(f"{page_url}/#/account")
    sign_in(page, "ann", PASSWORD)
    expect(page.get_by_role("alert")).to_have_text("Too many attempts. Try again in 30 seconds.")


def test_a_network_that_is_away_loses_nothing_that_was_typed(
    person: Person, page: Page, page_url: str
) -> None:
    page.goto(f"{page_url}/#/account")
    page.route("**/auth/login", lambda route: route.abort())
    sign_in(page, person.login, person.password)
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer.")
    page.unroute("**/auth/login")
    page.get_by_role("button", name="Sign in").click()
    heading(page, person.login)


def test_a_session_outlives_a_reload_and_no_script_can_read_its_tokens(
    person: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, "account", person)
    heading(page, person.login)
    page.reload()
    heading(page, person.login)
    assert not TOKEN.search(page.evaluate(STORED))
    [cookie] = page.context.cookies(f"{page_url}/auth/refresh")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/auth/")


def test_who_never_signed_in_is_not_asked_about(page: Page, page_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_url)
    expect(page.get_by_role("link", name="Account")).to_be_visible()
    assert not any("/auth/" in url for url in asked)


def test_the_token_is_renewed_before_it_expires(person: Person, page: Page, page_url: str) -> None:
    stop_clock(page)
    open_as(page, page_url, "account", person)
    heading(page, person.login)
    with page.expect_request(is_renewal):
        page.clock.run_for(QUARTER_OF_AN_HOUR)
    page.get_by_role("link", name="Points").click()
    heading(page, "Your points")


def test_signing_out_ends_the_session(person: Person, page: Page, page_url: str) -> None:
    open_as(page, page_url, "account", person)
    page.get_by_role("button", name="Sign out", exact=True).click()
    heading(page, "Sign in")
    page.reload()
    heading(page, "Sign in")
    assert len(person.ask("GET", "/auth/sessions")["sessions"]) == 1


def test_tabs_sign_in_and_out_together(person: Person, page: Page, page_url: str) -> None:
    other = page.context.new_page()
    other.goto(f"{page_url}/#/points")
    heading(other, "Sign in")
    open_as(page, page_url, "account", person)
    heading(other, "Your points")
    page.get_by_role("button", name="Sign out", exact=True).click()
    heading(other, "Sign in")


def test_tabs_that_open_at_once_share_one_session(
    person: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, "account", person)
    others = [page.context.new_page() for _ in range(3)]
    for other in others:
        other.goto(f"{page_url}/#/account", wait_until="commit")
    for other in (*others, page):
        heading(other, person.login)
        other.reload(wait_until="commit")
    for other in (*others, page):
        heading(other, person.login)
    history = person.ask("GET", "/auth/sign-ins")["sign_ins"]
    assert {entry["result"] for entry in history} == {"registered", "signed_in"}


def test_a_session_that_was_ended_elsewhere_asks_to_sign_in_again(
    person: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, "account", person)
    heading(page, person.login)
    sessions = person.ask("GET", "/auth/sessions")["sessions"]
    [here] = [each["id"] for each in sessions if not each["current"]]
    person.ask("DELETE", f"/auth/sessions/{here}")
    page.get_by_role("link", name="Shop").click()  # money asks for the session at once
    page.get_by_role("link", name="Wallet").click()
    heading(page, "Sign in")
    sign_in(page, person.login, person.password)
    heading(page, "Your wallet")


def test_another_session_is_ended_from_here(person: Person, page: Page, page_url: str) -> None:
    open_as(page, page_url, "account", person)
    sessions = page.get_by_role("region", name="Where you are signed in")
    expect(sessions.get_by_role("listitem")).to_have_count(2)
    sessions.get_by_role("button", name=re.compile("End the session of")).click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    expect(sessions).to_contain_text("this one")
    heading(page, person.login)


def test_signing_out_everywhere_is_asked_twice(
    whole: Whole, person: Person, page: Page, page_url: str
) -> None:
    open_as(page, page_url, "account", person)
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("button", name="No")).to_be_focused()
    page.get_by_role("button", name="Yes, end all sessions").click()
    heading(page, "Sign in")
    told = whole.ask("POST", "/auth/login", {"login": person.login, "password": person.password})
    again = Person(whole, person.login, told["access_token"], person.id)
    assert len(again.ask("GET", "/auth/sessions")["sessions"]) == 1


def test_the_password_is_changed(person: Person, page: Page, page_url: str) -> None:
    open_as(page, page_url, "account", person)
    page.get_by_text("Change password").first.click()
    page.get_by_label("Present password", exact=True).fill("wrong horse battery")
    page.get_by_label("New password", exact=True).fill("staple after staple")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert").last).to_contain_text("wrong")
    page.get_by_label("Present password", exact=True).fill(person.password)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The password is changed.")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()
    sign_in(page, person.login, "staple after staple")
    heading(page, person.login)


def refuse(route: Route, status: int, detail: str = "No.", **headers: str) -> None:
    """Answer a request with a problem."""
    fields = {"Content-Type": PROBLEM, **headers}
    route.fulfill(status=status, headers=fields, json={"detail": detail, "errors": {}})
