"""The demo's person buys a mug, once; the purchase is paid for and becomes an order in moments."""

from uuid import UUID

from order_service.context.demo import DemoVisit

from .model import Status, order_uid_of

_WISH = {
    "product_id": "mug-stoneware",
    "description": "Stoneware mug",
    "quantity": 1,
    "price": 1490,
    "delivery": {
        "name": "Demo Person",
        "phone": "+49 30 1234567",
        "zip": "10969",
        "city": "Berlin",
        "address": "Lindenstraße 1",
        "region": "Berlin",
        "email": "demo@example.com",
    },
}


def play(visit: DemoVisit) -> None:
    """Do this context's part of the visit."""
    if not visit.signed_in:
        return
    bought = visit.ask("GET", "/purchases?limit=1").json()["purchases"]
    if not bought:
        # The key is for two runs that are cut short one after the other.
        bought = [visit.ask("POST", "/purchases", _WISH, key="demo-purchase").json()]
    purchase = UUID(bought[0]["id"])
    visit.tell("Purchase", f"{visit.url}/#/shop/purchases/{purchase}")
    if Status(bought[0]["status"]) in {Status.PENDING, Status.APPROVED}:
        visit.tell("Order", f"{visit.url}/?order={order_uid_of(purchase)}")
