"""The demo's shop rewards tea, and reports that the person's order holds some."""

from http import HTTPStatus

from order_service.context.demo import DemoVisit

_RULE = {"match": "Green tea", "reward": 5, "reward_type": "%"}
_GOODS = [{"description": "Green tea, first flush, 500 g", "price": 1460.5}]
_KNOWN = (HTTPStatus.CONFLICT,)


def play(visit: DemoVisit) -> None:
    """Do this context's part of the visit."""
    visit.ask("POST", "/api/goods", _RULE, also=_KNOWN)
    order = {"order": visit.person.order_number, "goods": _GOODS}
    visit.ask("POST", "/api/orders", order, also=_KNOWN)
