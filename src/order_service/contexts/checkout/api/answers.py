"""What the routes give, and how refusals look."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

import msgspec
from flask import Response
from flask_smorest import abort

from order_service.contexts.checkout.errors import (
    CheckoutError,
    KeyReusedError,
    StillRunningError,
    StorageUnavailableError,
    TooLateError,
    UnknownPurchaseError,
    WrongStatusError,
)
from order_service.contexts.checkout.model import Purchase
from order_service.contexts.checkout.purchasing import PurchasePage

_REFUSALS: dict[type[CheckoutError], tuple[HTTPStatus, str]] = {
    UnknownPurchaseError: (HTTPStatus.NOT_FOUND, "There is no such purchase."),
    TooLateError: (HTTPStatus.CONFLICT, "The days in which this can be returned are over."),
    KeyReusedError: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This Idempotency-Key came before, with another request.",
    ),
    StillRunningError: (
        HTTPStatus.CONFLICT,
        "The request with this Idempotency-Key is being handled.",
    ),
    StorageUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "Purchases cannot be asked now."),
}


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """End the request with the problem that an error of this context stands for."""
    try:
        yield
    except WrongStatusError as error:
        abort(HTTPStatus.CONFLICT, message=f"This is not possible: it is {error}.", exc=error)
    except CheckoutError as error:
        status, text = _REFUSALS[type(error)]
        again = {"Retry-After": "1"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
        abort(status, message=text, headers=again, exc=error)


def answer(body: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return JSON."""
    return Response(msgspec.json.encode(body), status, content_type="application/json")


def changed_answer(purchase: Purchase) -> Response:
    """Return a purchase: 202 while something is waited for, and where to look for it."""
    status = HTTPStatus.ACCEPTED if purchase.awaiting else HTTPStatus.OK
    response = answer(purchase_body(purchase), status)
    response.headers["Location"] = f"/purchases/{purchase.id}"
    return response


def page_body(page: PurchasePage) -> dict[str, object]:
    """Return one page of purchases."""
    cursor = None if page.next_before is None else page.next_before.hex
    return {"purchases": [purchase_body(each) for each in page.purchases], "next_cursor": cursor}


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
