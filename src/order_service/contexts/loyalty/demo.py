"""The demo's person uploads the number of an order, which is soon worth points."""

from order_service.context.demo import DemoVisit


def play(visit: DemoVisit) -> None:
    """Do this context's part of the visit."""
    if not visit.signed_in:
        return
    number = visit.person.order_number
    visit.ask("POST", "/api/user/orders", number)
    visit.tell("Points", f"{visit.url}/#/points for order {number}, and for the registration")
