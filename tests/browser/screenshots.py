"""Takes the README's screenshots of the real page, in Chromium, from made-up orders and people.

`python -m tests.browser.screenshots docs/images` writes order-light.png, order-dark.png and the
same of the shop, the points and the account. The clock stands still, so that the same page gives
the same picture.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route, ViewportSize

from tests.browser.chromium import chromium, find_chromium
from tests.browser.sample_shop import ANSWERS, NOW, ROUTES
from tests.browser.site import Order, Site, canonical_order, serving

SIZE = ViewportSize(width=1140, height=930)
PARTS = ("shop", "points", "account")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# uid, minutes ago, currency, amount, items
RECENT = (
    ("b563feb7b2b84b6test", 4, "USD", 6120, 3),
    ("7c41f0d2a9e84f31shop", 6, "EUR", 12990, 2),
    ("19be63a07d5c4e08shop", 9, "RUB", 48700, 5),
    ("e2087bb4c16f4a9dshop", 11, "USD", 860, 1),
    ("5fd3a9914b7e4c26shop", 17, "KZT", 254300, 4),
    ("a80c2e6f93d14b75shop", 23, "EUR", 3475, 1),
    ("30f7d5c8e2ab4916shop", 31, "ILS", 17250, 6),
)

# name, brand, size, price, sale, total
ITEMS = (
    ("Mascaras", "Vivienne Sabo", "0", 453, 30, 317),
    ("Wool scarf", "Nordlys", "M", 2400, 0, 2400),
    ("Пальто", "Заря", "46", 3807, 50, 1903),
)


def sample_orders() -> list[Order]:
    """Orders as a shop might have them; the first is shown in full."""
    orders = [_summary_only(*row) for row in RECENT]
    shown = orders[0]
    template = shown["items"][0]
    names = ("name", "brand", "size", "price", "sale", "total_price")
    shown["items"] = [template | dict(zip(names, item, strict=True)) for item in ITEMS]
    shown["payment"] |= {"goods_total": 4620, "payment_dt": int(NOW.timestamp()) - 300}
    shown["customer_id"] = "test"
    return orders


def _summary_only(uid: str, minutes: int, currency: str, amount: int, items: int) -> Order:
    order = canonical_order()
    placed = NOW - timedelta(minutes=minutes)
    order |= {"order_uid": uid, "date_created": placed.strftime("%Y-%m-%dT%H:%M:%SZ")}
    order["payment"] |= {"currency": currency, "amount": amount}
    order["items"] *= items
    return order


@contextmanager
def opened(browser: Browser, scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """Open a page whose clock stands still."""
    with browser.new_context(
        viewport=SIZE, color_scheme=scheme, locale="en-GB", timezone_id="Europe/Berlin"
    ) as context:
        page = context.new_page()
        page.clock.set_fixed_time(NOW)
        yield page


def take(browser: Browser, site: Site, scheme: Literal["light", "dark"], target: Path) -> None:
    """Write one picture of the first sample order."""
    with opened(browser, scheme) as page:
        page.goto(f"{site.url}/?order={RECENT[0][0]}")
        page.get_by_role("region", name="Payment").wait_for()
        page.locator("#recent-list a").first.wait_for()
        page.locator("#parts").wait_for()
        page.screenshot(path=target)


def take_part(
    browser: Browser, site: Site, part: str, scheme: Literal["light", "dark"], target: Path
) -> None:
    """Write one picture of a part of the page, as the sample person sees it."""
    with opened(browser, scheme) as page:
        page.add_init_script("localStorage['order-service.session'] = '1'")
        page.route(lambda url: urlsplit(url).path in ANSWERS, _answer)
        page.goto(f"{site.url}/#/{part}")
        page.locator("main h2").wait_for()
        page.locator("#parts").wait_for()
        page.screenshot(path=target)


def _answer(route: Route) -> None:
    route.fulfill(json=ANSWERS[urlsplit(route.request.url).path])


def main(out_dir: str) -> None:
    """Write all pictures to a directory, which is made if it is missing."""
    path = find_chromium()
    if path is None:
        sys.exit("Chromium is missing: install it or name it in CHROMIUM")
    target = Path(out_dir)
    target.mkdir(parents=True, exist_ok=True)
    with serving(sample_orders()) as site, chromium(path) as browser:
        site.routes = [*ROUTES]
        for scheme in SCHEMES:
            take(browser, site, scheme, target / f"order-{scheme}.png")
            for part in PARTS:
                take_part(browser, site, part, scheme, target / f"{part}-{scheme}.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.browser.screenshots OUT_DIR")
    main(sys.argv[1])
