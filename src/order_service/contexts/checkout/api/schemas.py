"""What the routes of purchases take and give, for the API's documentation."""

from typing import Any

from marshmallow import Schema, fields, validate

from order_service.contexts.checkout.model import (
    EMAIL_PATTERN,
    MAX_PRODUCT_ID,
    MAX_QUANTITY,
    MAX_TEXT,
    Status,
)
from order_service.http.documentation import TEXT, UUID_TEXT, page_cursor, page_limit, parameter
from order_service.http.schemas import said

_ID = "0193667b-9a01-7d0e-8c7b-3f5b1a2c4d6e"
_MOMENT = "2026-11-26T08:30:00.123456Z"

PURCHASE = parameter("path", "purchase", "Id of the purchase", UUID_TEXT, _ID)
LIMIT = page_limit("purchases")
CURSOR = page_cursor("^[0-9a-f]{32}$", "0193667b9a017d0e8c7b3f5b1a2c4d6e")
LAST_EVENT_ID = parameter(
    "header",
    "Last-Event-ID",
    "`id` of the last event that the client got; a browser sends it by itself",
    TEXT,
    "pending",
)
LOCATION: dict[str, Any] = {
    "Location": {
        "description": "Where the purchase is",
        "schema": {"type": "string", "example": f"/purchases/{_ID}"},
    }
}


def _text(description: str, example: str, longest: int = MAX_TEXT) -> fields.String:
    return fields.String(validate=validate.Length(min=1, max=longest), **said(description, example))


def _positive(description: str, example: int, most: int | None = None) -> fields.Integer:
    return fields.Integer(validate=validate.Range(min=1, max=most), **said(description, example))


class PurchaseDeliverySchema(Schema):
    """Who receives what was bought, and where."""

    name = _text("Name of the recipient", "Test Testov")
    phone = _text("Phone number", "+9720000000")
    zip = _text("Postal code", "2639809")
    city = _text("City", "Kiryat Mozkin")
    address = _text("Street and house", "Ploshad Mira 15")
    region = _text("Region", "Kraiot")
    email = fields.String(
        validate=[
            validate.Length(min=3, max=MAX_TEXT),
            validate.Regexp(EMAIL_PATTERN.replace(r"\Z", "$")),
        ],
        **said("E-mail address of the recipient", "test@gmail.com"),
    )


class _GoodsSchema(Schema):
    product_id = _text("Id of the product, as the catalogue has it", "2389212", MAX_PRODUCT_ID)
    description = _text("What it is", "Mascaras")
    quantity = _positive("How many pieces", 1, MAX_QUANTITY)
    price = _positive("Of one piece, in minor units", 1999)


class WishSchema(_GoodsSchema):
    """What shall be bought."""

    delivery = fields.Nested(
        PurchaseDeliverySchema,
        metadata={
            "description": "Where it shall go. With it the purchase becomes an order once it is "
            "paid for; without it nothing is delivered"
        },
    )


class AcceptedSchema(Schema):
    """A purchase that was accepted."""

    id = fields.UUID(**said("Id of the purchase", _ID))
    status = fields.String(
        validate=validate.Equal(Status.PENDING.value), **said("Always `pending`", "pending")
    )


class PurchaseSchema(_GoodsSchema):
    """A purchase as it stands now."""

    id = fields.UUID(**said("Id of the purchase", _ID))
    status = fields.String(
        validate=validate.OneOf([*Status]),
        **said(
            "`pending` until its payment is known, then `approved` or `rejected`; `cancelled`; "
            "`refunding` and `refunded`",
            "approved",
        ),
    )
    reason = fields.String(
        allow_none=True,
        **said(
            "Why it was rejected: `no_wallet`, `insufficient_funds` or `amount_too_large`; "
            "null otherwise",
            None,
        ),
    )
    amount = _positive("What all of it costs, in minor units", 1999)
    currency = fields.String(**said("ISO 4217 code", "USD"))
    delivery = fields.Nested(
        PurchaseDeliverySchema,
        required=True,
        allow_none=True,
        metadata={"description": "Where it goes; null if nothing is delivered"},
    )
    order_uid = fields.String(
        allow_none=True,
        **said(
            "The order that it has become: `GET /order/<order_uid>`; null if it has become none",
            "0193667b9a017d0e8c7b3f5b1a2c4d6e",
        ),
    )
    created_at = fields.DateTime(**said("When it was accepted, in UTC", _MOMENT))
    settled_at = fields.DateTime(
        allow_none=True,
        **said("When its payment was first known, in UTC; null until then", _MOMENT),
    )


class PurchasePageSchema(Schema):
    """One page of purchases, newest first."""

    purchases = fields.List(fields.Nested(PurchaseSchema), required=True)
    next_cursor = fields.String(
        allow_none=True,
        **said(
            "Pass it as `cursor` for the next page; null on the last one",
            "0193667b9a017d0e8c7b3f5b1a2c4d6e",
        ),
    )
