"""What the routes give, and how refusals look."""

from functools import partial
from http import HTTPStatus
from uuid import UUID

from flask import Response

from order_service.context.paging import Page
from order_service.context.routes import answer, refusing
from order_service.contexts.checkout.errors import (
    StorageUnavailableError,
    TooLateError,
    UnknownPurchaseError,
    WrongStatusError,
)
from order_service.contexts.checkout.model import Purchase

refusals = partial(
    refusing,
    {
        UnknownPurchaseError: (HTTPStatus.NOT_FOUND, "There is no such purchase."),
        WrongStatusError: (HTTPStatus.CONFLICT, "This is not possible: it is {}."),
        TooLateError: (HTTPStatus.CONFLICT, "The days in which this can be returned are over."),
        StorageUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "Purchases cannot be asked now."),
    },
)
"""Ends the request with the problem that an error of this context stands for."""


def changed_answer(purchase: Purchase) -> Response:
    """Return a purchase: 202 while something is waited for, and where to look for it."""
    status = HTTPStatus.ACCEPTED if purchase.awaiting else HTTPStatus.OK
    response = answer(purchase_body(purchase), status)
    response.headers["Location"] = f"/purchases/{purchase.id}"
    return response


def page_body(page: Page[Purchase, UUID]) -> dict[str, object]:
    """Return one page of purchases."""
    cursor = None if page.next is None else page.next.hex
    return {"purchases": [purchase_body(each) for each in page.items], "next_cursor": cursor}


def purchase_body(purchase: Purchase) -> dict[str, object]:
    """Return a purchase as it is shown."""
    goods = purchase.goods
    return {
        "id": purchase.id,
        "status": purchase.status,
        "reason": purchase.reason or None,
        **goods._asdict(),
        "amount": goods.amount,
        "currency": purchase.currency,
        "delivery": purchase.delivery,
        "order_uid": purchase.order_uid,
        "created_at": purchase.created_at,
        "settled_at": purchase.settled_at,
    }
