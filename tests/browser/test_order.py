"""Looking an order up: what is shown, and how one gets there."""

import re
import threading

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import stop_clock
from tests.browser.conftest import NewPage
from tests.browser.site import Site, canonical_order, ok, order_like

pytestmark = pytest.mark.browser

UID = "b563feb7b2b84b6test"


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox").fill(text)
    page.get_by_role("button", name="Search").click()


def test_a_search_by_order_id_shows_the_whole_order(page: Page, page_url: str) -> None:
    page.goto(page_url)
    search(page, f"  {UID} ")
    result = page.get_by_role("main")
    expect(result.get_by_role("heading", name=UID)).to_be_visible()
    for text in ("Test Testov", "Ploshad Mira 15", "2639809 Kiryat Mozkin", "Kraiot"):
        expect(result.get_by_text(text, exact=True)).to_be_visible()
    for text in ("+9720000000", "test@gmail.com", "wbpay", "alpha", "meest", "WBILMTESTTRACK"):
        expect(result.get_by_text(text, exact=True).first).to_be_visible()
    row = result.get_by_role("row", name="Mascaras")
    expect(row).to_contain_text(re.compile(r"Vivienne Sabo.*2389212.*453.*\u221230\s%.*317"))


def test_every_value_of_the_order_is_somewhere_on_the_page(page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?order={UID}")
    page.get_by_text("Technical fields").click()
    shown = page.get_by_role("main").inner_text()
    order = canonical_order()
    parts = [order, order["delivery"], order["payment"], *order["items"]]
    dates = {"date_created", "payment_dt"}
    values = [
        f"{value:,}" if isinstance(value, int) and value > 1000 else str(value)
        for part in parts
        for name, value in part.items()
        if isinstance(value, str | int) and name not in dates | {"nm_id", "chrt_id"}
    ]
    assert [value for value in values if value not in shown] == []
    assert "2389212" in shown
    assert "9934930" in shown


@pytest.mark.parametrize(
    ("locale", "language"), [("he", "he"), ("zh_Hans_CN", "zh-Hans-CN"), ("not a locale", None)]
)
def test_what_people_wrote_has_its_language_and_direction(
    site: Site, page: Page, page_url: str, locale: str, language: str | None
) -> None:
    order = order_like("foreign") | {"locale": locale}
    order["delivery"] |= {"name": "דוד לוי", "region": "Kraiot"}
    site.orders.append(order)
    page.goto(f"{page_url}/?order=foreign")
    name = page.get_by_text(order["delivery"]["name"], exact=True)
    assert name.evaluate("element => element.closest('[lang]').lang") == (language or "en")
    direction = "element => getComputedStyle(element).direction"
    assert name.evaluate(direction) == "rtl"
    region = page.get_by_text("Kraiot", exact=True)
    assert region.evaluate(direction) == "ltr"
    heading = page.get_by_role("heading", name="Delivery")
    assert heading.evaluate("element => element.closest('[lang]').lang") == "en"


def test_totals_are_shown_with_their_currency_and_checked(page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?order={UID}")
    payment = page.get_by_role("region", name="Payment")
    expect(payment).to_contain_text(re.compile(r"Goods\s*USD\s317.*USD\s1,500.*USD\s0.*USD\s1,817"))
    expect(payment).to_contain_text("Adds up to the amount")
    expect(page.get_by_role("region", name="Items")).to_contain_text("Adds up to the goods total")


def test_totals_that_disagree_catch_the_eye(site: Site, page: Page, page_url: str) -> None:
    order = order_like("odd")
    order["payment"]["goods_total"] = 400
    site.orders.append(order)
    page.goto(f"{page_url}/?order=odd")
    expect(page.get_by_role("region", name="Items")).to_contain_text(
        re.compile(r"Adds up to USD\s317, but the goods total is USD\s400")
    )


def test_times_are_in_the_viewers_zone_with_utc_on_hover(page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?order={UID}")
    placed = page.get_by_role("main").locator("time").first
    expect(placed).to_have_text("26 Nov 2021, 07:22")
    expect(placed).to_have_attribute("datetime", "2021-11-26T06:22:19.000Z")
    expect(placed).to_have_attribute("title", "2021-11-26 06:22:19 UTC")


def test_the_note_says_where_the_order_was_served_from(page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?order={UID}")
    expect(page.locator("#served")).to_have_text(
        re.compile(r"^Served from the cache in [\d.,]+ ms$")
    )


def test_links_lead_to_the_raw_json_and_the_docs(page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?order={UID}")
    foot = page.get_by_role("main").locator("footer")
    expect(foot.get_by_role("link", name="Raw JSON")).to_have_attribute("href", f"/order/{UID}")
    expect(foot.get_by_role("link", name="API docs")).to_have_attribute("href", "/swagger/")


def test_integers_beyond_two_to_the_53rd_keep_every_digit(
    site: Site, page: Page, page_url: str
) -> None:
    order = order_like("rich")
    order["payment"] |= {"amount": 2**63 - 1, "goods_total": 2**63 - 1, "delivery_cost": 0}
    order["items"] = [
        order["items"][0] | {"total_price": 2**62},
        order["items"][0] | {"total_price": 2**62 - 1},
    ]
    order["items"][0]["nm_id"] = 9007199254740993
    order["delivery"]["name"] = 'Quoted "12345678901234567890" \\'
    site.orders.insert(0, order)
    page.goto(f"{page_url}/?order=rich")
    main = page.get_by_role("main")
    expect(main.locator(".total strong")).to_have_text(
        re.compile(r"USD\s9,223,372,036,854,775,807")
    )
    expect(main).to_contain_text("Article 9007199254740993")
    expect(main.get_by_text('Quoted "12345678901234567890" \\', exact=True)).to_be_visible()
    expect(main.locator(".check.ok")).to_have_count(2)
    expect(page.locator("#recent-list")).to_contain_text("9,223,372,036,854,775,807")


def test_the_copy_button_copies_the_order_id(new_page: NewPage, page_url: str) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{page_url}/?order={UID}")
    page.get_by_role("button", name="Copy order id").click()
    expect(page.get_by_role("status")).to_have_text("Copied order id")
    assert page.evaluate("navigator.clipboard.readText()") == UID


def test_copying_works_where_the_clipboard_api_is_missing(new_page: NewPage, page_url: str) -> None:
    page = new_page()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(f"{page_url}/?order={UID}")
    page.get_by_role("button", name="Copy track number").click()
    expect(page.get_by_role("status")).to_have_text("Copied track number")


def test_an_address_is_a_link_to_share_and_back_returns(page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?order={UID}")
    search(page, "other-01")
    expect(page.get_by_role("heading", name="other-01")).to_be_visible()
    expect(page).to_have_url(f"{page_url}/?order=other-01")
    expect(page).to_have_title("Order other-01 · Order Service")
    page.go_back()
    expect(page.get_by_role("heading", name=UID)).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value(UID)
    page.go_forward()
    expect(page.get_by_role("heading", name="other-01")).to_be_visible()


FIELDS = {"Track number": "track_number", "Customer": "customer_id"}


@pytest.mark.parametrize(("kind", "value"), [("Track number", "TRACK 7&8"), ("Customer", "анна")])
def test_orders_are_found_by_another_field_and_open_on_a_click(
    site: Site, page: Page, page_url: str, kind: str, value: str
) -> None:
    site.orders += [order_like(f"found-{number}", **{FIELDS[kind]: value}) for number in (1, 2)]
    page.goto(page_url)
    page.get_by_role("radio", name=kind).check()
    search(page, value)
    results = page.get_by_role("region", name=f"{kind} {value}")
    expect(results.get_by_role("link")).to_have_count(2)
    address = page.url
    results.get_by_role("link", name="found-2").click()
    expect(page.get_by_role("heading", name="found-2")).to_be_focused()
    page.goto(address)
    expect(results.get_by_role("link")).to_have_count(2)


def test_a_long_list_of_results_loads_more(site: Site, page: Page, page_url: str) -> None:
    site.orders += [order_like(f"many-{n:02}", customer_id="busy") for n in range(30)]
    page.goto(f"{page_url}/?customer_id=busy")
    results = page.get_by_role("region", name="Customer busy")
    expect(results).to_contain_text("The newest 25 orders")
    results.get_by_role("button", name="Load more").click()
    expect(results.get_by_role("link")).to_have_count(30)
    expect(results.get_by_role("link", name="many-25")).to_be_focused()
    expect(results.get_by_role("button", name="Load more")).to_be_hidden()


def test_a_slow_earlier_answer_never_overwrites_a_later_search(
    site: Site, page: Page, page_url: str
) -> None:
    release = threading.Event()
    site.script("/order/slow", ok(order_like("slow"), release))
    page.goto(page_url)
    search(page, "slow")
    expect(page.locator(".skeleton")).to_be_visible()
    search(page, "other-01")
    expect(page.get_by_role("heading", name="other-01")).to_be_visible()
    release.set()
    page.evaluate("fetch('/orders').then((answer) => answer.text())")
    expect(page.get_by_role("heading", name="other-01")).to_be_visible()
    expect(page.get_by_role("heading", name="slow")).to_have_count(0)


def test_a_skeleton_is_shown_once_an_answer_is_slow(site: Site, page: Page, page_url: str) -> None:
    release = threading.Event()
    site.script(f"/order/{UID}", ok(canonical_order(), release))
    stop_clock(page)
    page.goto(f"{page_url}/?order={UID}")
    page.clock.run_for(199)
    expect(page.locator(".skeleton")).to_have_count(0)
    page.clock.run_for(1)
    expect(page.locator(".skeleton")).to_be_visible()
    release.set()
    expect(page.get_by_role("heading", name=UID)).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


def test_an_answer_leaves_no_skeleton_to_come(page: Page, page_url: str) -> None:
    stop_clock(page)
    page.goto(f"{page_url}/?order={UID}")
    expect(page.get_by_role("heading", name=UID)).to_be_visible()
    page.clock.run_for(1_000)
    expect(page.get_by_role("heading", name=UID)).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


def test_it_all_works_by_keyboard(page: Page, page_url: str) -> None:
    page.goto(page_url)
    expect(page.locator("#recent-list a")).to_have_count(4)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the result")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("other-02")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="other-02")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Order other-02, 1 item")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Track number")).to_be_checked()
    page.get_by_role("link", name="other-03").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="other-03")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Copy order id")).to_be_focused()
