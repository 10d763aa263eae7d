"""The real page on the real API: what a person sees once everything is put together."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from order_service.contexts.orders.postgres import PostgresOrders
from order_service.embedded.valkey import ValkeyServer
from tests.backends import Environ
from tests.builders import canonical, items, record
from tests.e2e.api_process import serving

pytestmark = pytest.mark.browser

UID = canonical().order_uid


@pytest.fixture(scope="module")
def live_page_url(shared_database: Environ, valkey_server: ValkeyServer) -> Iterator[str]:
    """The address of a running API with its page."""
    with serving({**shared_database, **valkey_server.environment()}) as api:
        yield api.url


@pytest.fixture
def page_url(live_page_url: str, postgres_orders: PostgresOrders, valkey: Redis) -> str:
    """The page, with two orders in the database and none in the cache."""
    assert valkey.dbsize() == 0
    postgres_orders.save([record(UID), record("order-2", items=items(3), locale="ru")])
    return live_page_url


def search(page: Page, uid: str) -> None:
    page.get_by_role("searchbox").fill(uid)
    page.get_by_role("button", name="Search").click()


def test_an_order_is_found_by_its_id(page: Page, page_url: str) -> None:
    page.goto(page_url)
    search(page, UID)
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", name=UID)).to_be_visible()
    expect(main.get_by_text("Test Testov", exact=True)).to_be_visible()
    expect(main.get_by_role("row", name="Mascaras")).to_contain_text("Vivienne Sabo")
    expect(page).to_have_url(f"{page_url}/?order={UID}")


def test_an_unknown_id_is_told_as_such(page: Page, page_url: str) -> None:
    page.goto(page_url)
    search(page, "nobody")
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", name="No such order")).to_be_visible()
    expect(main).to_contain_text("nobody")


def test_recent_orders_are_listed_and_open_with_a_click(page: Page, page_url: str) -> None:
    page.goto(page_url)
    expect(page.locator("#recent-list a")).to_have_count(2)
    page.get_by_role("link", name="order-2").click()
    expect(page.get_by_role("main").get_by_role("row", name="Item 3")).to_be_visible()
