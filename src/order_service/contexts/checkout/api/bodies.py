"""What the routes take: goods, deliveries and places in lists."""

from http import HTTPStatus
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from flask import request
from msgspec import Meta

from order_service.context.routes import amount_in
from order_service.contexts.checkout.model import (
    MAX_PRODUCT_ID,
    MAX_QUANTITY,
    MAX_TEXT,
    NO_NUL,
    Delivery,
    Goods,
)
from order_service.http.bodies import invalid, json_of, malformed
from order_service.infra.tracing import traceparent
from order_service.ledger.amounts import decoder


class _PurchaseBody(msgspec.Struct, forbid_unknown_fields=True):
    product_id: Annotated[str, Meta(min_length=1, max_length=MAX_PRODUCT_ID, pattern=NO_NUL)] | int
    description: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT, pattern=NO_NUL)]
    quantity: Any
    price: Any
    delivery: Delivery | None = None


_PURCHASE: msgspec.json.Decoder[_PurchaseBody] = decoder(_PurchaseBody)


class Wish(NamedTuple):
    """What somebody wants to buy, and where it shall go."""

    goods: Goods
    delivery: Delivery | None


def wish_of_request(max_amount: int) -> Wish:
    """Return what shall be bought.

    Raises:
        HTTPException: 400 or 422 if it is nothing that can be.
    """
    body = json_of(request, _PURCHASE)
    quantity = amount_in("quantity", body.quantity, MAX_QUANTITY, places=0)
    price = amount_in("price", body.price, max_amount, places=0)
    goods = Goods(_product_id(body.product_id), body.description, quantity, price)
    if goods.amount > max_amount:
        problem = f"times quantity must be at most {max_amount}"
        invalid("json", "price", problem, HTTPStatus.UNPROCESSABLE_ENTITY)
    _require_storable(body)
    return Wish(goods, body.delivery)


def _product_id(given: str | int) -> str:
    text = str(given)
    if len(text) > MAX_PRODUCT_ID or text.startswith("-"):
        malformed(f"product_id must be at most {MAX_PRODUCT_ID} characters, not negative.")
    return text


def _require_storable(body: _PurchaseBody) -> None:
    """Refuse lone surrogates, which JSON can hold and no UTF-8 can."""
    try:
        msgspec.json.encode([body.description, str(body.product_id), body.delivery])
    except UnicodeEncodeError:
        malformed("The body holds half of a surrogate pair.")


def before_of_request() -> UUID | None:
    """Return the id before which a page begins, None for the first page.

    Raises:
        HTTPException: 400 if it is none.
    """
    text = request.args.get("cursor")
    try:
        return None if text is None else UUID(hex=text)
    except ValueError:
        invalid("query", "cursor", "is no `next_cursor` of this service")


def traceparent_of_request() -> str:
    """Return the span that the request is part of, empty if there is none."""
    context = traceparent.parse(request.environ.get("HTTP_TRACEPARENT"))
    return context.header() if context else ""
