"""What `GET /orders` takes and gives, for validation and for the API's documentation."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from order_service.contexts.orders.lookup import CURSOR_PATTERN
from order_service.contexts.orders.model import UtcDatetime
from order_service.contexts.orders.schema import OrderSchema, PaymentSchema, UtcDateTime
from order_service.http.query import QueryInteger
from order_service.http.schemas import said

_ORDER = OrderSchema().fields
_PAYMENT = PaymentSchema().fields

_CURSOR = "1637907739000000.b563feb7b2b84b6test"
_CURSOR_SCHEMA = CURSOR_PATTERN.replace(r"\Z", "$")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)

_USUAL_PAGE = 20
_LONGEST_PAGE = 100
"""Orders on one page: the bound is on what one request may cost."""


def _filter(description: str, example: str) -> fields.String:
    """Return a filter on a text column; Postgres could not store a NUL, so none matches it."""
    return fields.String(
        validate=[validate.Length(min=1, max=255), validate.Regexp(r"^[^\x00]*\Z")],
        metadata={"description": description, "example": example, "pattern": r"^[^\u0000]*$"},
    )


class FilterTime(UtcDateTime):
    """A time to compare with; one that no order can have is as good as the nearest bound."""

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - marshmallow's signature
        try:
            return super()._deserialize(value, *args, **options)
        except ValidationError:
            return _nearest(value)


def _nearest(value: object) -> datetime:
    """Return the bound that is nearest to a time outside the years of orders."""
    try:
        moment = msgspec.convert(value, UtcDatetime)
    except msgspec.ValidationError as error:
        raise ValidationError(str(error)) from None
    return _EARLIEST if moment.year < _LATEST.year else _LATEST


class OrdersQuery(Schema):
    """Which orders to list. An unknown parameter is refused: it would silently not filter."""

    class Meta:
        """Settings of the schema."""

        unknown = RAISE

    customer_id = _filter("Only orders of this customer: the whole id, case matters", "test")
    track_number = _filter(
        "Only orders with this track number: the whole number, case matters", "WBILMTESTTRACK"
    )
    created_from = FilterTime(
        metadata={
            "description": "Only orders with `date_created` at this time or later; RFC 3339 with "
            "an offset, to the microsecond",
            "example": "2021-11-26T00:00:00Z",
        }
    )
    created_before = FilterTime(
        metadata={
            "description": "Only orders with `date_created` before this time, which is not "
            "included; RFC 3339 with an offset, to the microsecond",
            "example": "2021-11-27T00:00:00Z",
        }
    )
    limit = QueryInteger(
        load_default=_USUAL_PAGE,
        validate=validate.Range(min=1, max=_LONGEST_PAGE),
        metadata={"description": "Most orders on one page", "example": _USUAL_PAGE},
    )
    cursor = fields.String(
        validate=validate.Regexp(CURSOR_PATTERN),
        metadata={
            "description": "`next_cursor` of the page before; keep the other parameters the same. "
            "Take it as it is: what it is made of may change",
            "example": _CURSOR,
            "pattern": _CURSOR_SCHEMA,
        },
    )


def _same(field: fields.Field[Any]) -> dict[str, Any]:
    """Return the options of a field that says the same as `field` of the order does."""
    return {"required": True, "validate": field.validators, "metadata": field.metadata}


class OrderSummarySchema(Schema):
    """One line of a list of orders."""

    order_uid = fields.String(**_same(_ORDER["order_uid"]))
    track_number = fields.String(**_same(_ORDER["track_number"]))
    customer_id = fields.String(**_same(_ORDER["customer_id"]))
    delivery_service = fields.String(**_same(_ORDER["delivery_service"]))
    date_created = UtcDateTime(**_same(_ORDER["date_created"]))
    currency = fields.String(**_same(_PAYMENT["currency"]))
    amount = fields.Integer(**_same(_PAYMENT["amount"]))
    item_count = fields.Integer(validate=validate.Range(min=1), **said("Number of items", 1))


class OrderPageSchema(Schema):
    """One page of orders, newest first."""

    orders = fields.List(fields.Nested(OrderSummarySchema), required=True)
    next_cursor = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Pass it as `cursor` for the next page; null on the last one",
            "example": _CURSOR,
            "pattern": _CURSOR_SCHEMA,
        },
    )
