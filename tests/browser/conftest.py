"""Fixtures for tests in a real headless Chromium.

`page` is a fresh browser context whose every console error, blocked resource and foreign
request fails its test at the end. Tests reach the page through `page_url`; here it is the
scripted stand-in `site`.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.chromium import Watch, chromium, find_chromium, policy_violations
from tests.browser.site import Site, canonical_order, order_like, serving

NewPage = Callable[..., Page]

VIEWER: dict[str, Any] = {"locale": "en-GB", "timezone_id": "Europe/Berlin"}


@pytest.fixture(scope="session")
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


@pytest.fixture
def new_page(browser: Browser, page_url: str) -> Iterator[NewPage]:
    """Makes watched pages; keyword arguments are those of a browser context."""
    opened: list[tuple[BrowserContext, Page, Watch]] = []

    def make(**options: Any) -> Page:
        context = browser.new_context(**(VIEWER | options))
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
