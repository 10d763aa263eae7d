"""What the routes take and give, for the API's documentation."""

from marshmallow import fields, validate

from order_service.contexts.accrual.model import (
    MAX_DESCRIPTION,
    MAX_GOODS,
    MAX_MATCH,
    RewardType,
    Status,
)
from order_service.http.schemas import LenientSchema, TitledSchema, said

_NUMBER = {
    "description": "Number of an order, with its check digit (Luhn)",
    "example": "12345678903",
}


class RuleSchema(LenientSchema):
    """Which goods are rewarded, and how."""

    match = fields.String(
        validate=validate.Length(1, MAX_MATCH),
        **said("Part of the goods' description; case does not count", "Bork"),
    )
    reward = fields.Float(
        required=True,
        metadata={
            "description": "Percent of the price, or points; at most four decimal places",
            "example": 10,
            "exclusiveMinimum": 0,
        },
    )
    reward_type = fields.String(
        validate=validate.OneOf([*RewardType]),
        **said("`%`: percent of the price. `pt`: points", "%"),
    )


class GoodSchema(LenientSchema):
    """One of the goods of an order."""

    description = fields.String(
        validate=validate.Length(1, MAX_DESCRIPTION), **said("What it is", "Чайник Bork")
    )
    price = fields.Float(
        required=True,
        metadata={"description": "What it costs", "example": 7000, "minimum": 0},
    )


class RegisteredOrderSchema(LenientSchema):
    """An order as the shop registers it."""

    order = fields.String(required=True, metadata=_NUMBER)
    goods = fields.List(
        fields.Nested(GoodSchema),
        required=True,
        validate=validate.Length(1, MAX_GOODS),
        metadata={"description": "What was bought"},
    )


class OutcomeSchema(TitledSchema):
    """How far the calculation of an order is."""

    order = fields.String(required=True, metadata=_NUMBER)
    status = fields.String(
        validate=validate.OneOf([*Status]),
        **said("`INVALID` (there will be no points) and `PROCESSED` are final", "PROCESSED"),
    )
    accrual = fields.Float(
        metadata={
            "description": "Points; missing where there are none",
            "example": 729.98,
            "exclusiveMinimum": 0,
        }
    )
