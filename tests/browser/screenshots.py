"""Takes the README's screenshots of the real page, in Chromium, from made-up orders.

`python -m tests.browser.screenshots docs/images` writes order-light.png and order-dark.png.
The clock stands still, so that the same page gives the same picture.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize

from tests.browser.chromium import chromium, find_chromium
from tests.browser.site import Order, Site, canonical_order, serving

NOW = datetime(2026, 3, 18, 14, 20, tzinfo=UTC)
SIZE = ViewportSize(width=1140, height=930)

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


def take(browser: Browser, site: Site, scheme: Literal["light", "dark"], target: Path) -> None:
    """Write one picture of the first sample order."""
    with browser.new_context(
        viewport=SIZE, color_scheme=scheme, locale="en-GB", timezone_id="Europe/Berlin"
    ) as context:
        page = context.new_page()
        page.clock.set_fixed_time(NOW)
        page.goto(f"{site.url}/?order={RECENT[0][0]}")
        page.get_by_role("region", name="Payment").wait_for()
        page.locator("#recent-list a").first.wait_for()
        page.screenshot(path=target)


def main(out_dir: str) -> None:
    """Write both pictures to a directory, which is made if it is missing."""
    path = find_chromium()
    if path is None:
        sys.exit("Chromium is missing: install it or name it in CHROMIUM")
    target = Path(out_dir)
    target.mkdir(parents=True, exist_ok=True)
    with serving(sample_orders()) as site, chromium(path) as browser:
        take(browser, site, "light", target / "order-light.png")
        take(browser, site, "dark", target / "order-dark.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.browser.screenshots OUT_DIR")
    main(sys.argv[1])
