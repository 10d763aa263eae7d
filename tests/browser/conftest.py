"""Fixtures for tests in a real headless Chromium.

`page` is a fresh browser context whose every console error, blocked resource and foreign
request fails its test at the end. Tests reach the page through `page_url`; here it is the
scripted stand-in `site`.
"""

import os
from collections.abc import Iterator
from typing import Literal, Protocol, TypedDict, Unpack
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tests.browser.chromium import Watch, chromium, find_chromium, policy_violations
from tests.browser.site import Site, canonical_order, order_like, serving
from tests.browser.whole import Person, Whole, running

Scheme = Literal["light", "dark"]


class Look(TypedDict, total=False):
    """The options of a browser context that tests vary."""

    viewport: ViewportSize
    color_scheme: Scheme
    reduced_motion: Literal["reduce"]
    permissions: list[str]


class NewPage(Protocol):
    """Makes a watched page in a context of its own."""

    def __call__(self, **look: Unpack[Look]) -> Page: ...


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing, and in CI nothing is skipped", pytrace=False)
        pytest.skip("Chromium is missing: install it or name it in CHROMIUM")
    with chromium(path) as started:
        yield started


@pytest.fixture
def site() -> Iterator[Site]:
    others = [order_like(f"other-{number:02}") for number in range(1, 4)]
    with serving([canonical_order(), *others]) as running:
        yield running


@pytest.fixture
def page_url(site: Site) -> str:
    """The address of the page, without a slash at its end."""
    return site.url


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """The whole program, with all its parts."""
    with running(tmp_path_factory.mktemp("whole") / "data") as started:
        yield started


@pytest.fixture
def person(whole: Whole) -> Person:
    """Somebody who has an account and has done nothing yet."""
    return whole.person(name="Ann Example")


@pytest.fixture
def new_page(browser: Browser, page_url: str) -> Iterator[NewPage]:
    opened: list[tuple[BrowserContext, Page, Watch]] = []

    def make(**look: Unpack[Look]) -> Page:
        context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", **look)
        page = context.new_page()
        page.set_default_timeout(10_000)
        watch = Watch(urlsplit(page_url).netloc)
        watch.attach(page)
        opened.append((context, page, watch))
        return page

    yield make
    for context, page, watch in opened:
        violations = policy_violations(page)
        context.close()
        assert (watch.errors, watch.foreign, violations) == ([], [], [])


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A desktop page with the light colour scheme."""
    return new_page(viewport={"width": 1280, "height": 900})
