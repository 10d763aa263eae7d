"""What the routes take and give, for the API's documentation."""

from marshmallow import EXCLUDE, Schema, fields, validate

from order_service.contexts.accrual.model import (
    MAX_DESCRIPTION,
    MAX_GOODS,
    MAX_MATCH,
    RewardType,
    Status,
)

_NUMBER = {
    "description": "Number of an order, with its check digit (Luhn)",
    "example": "12345678903",
}


class RuleSchema(Schema):
    """Which goods are rewarded, and how."""

    class Meta:
        """Settings of the schema."""

        title = "Rule"
        unknown = EXCLUDE  # members that are not known are ignored

    match = fields.String(
        required=True,
        validate=validate.Length(1, MAX_MATCH),
        metadata={
            "description": "Part of the goods' description; case does not count",
            "example": "Bork",
        },
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
        required=True,
        validate=validate.OneOf([*RewardType]),
        metadata={"description": "`%`: percent of the price. `pt`: points", "example": "%"},
    )


class GoodSchema(Schema):
    """One of the goods of an order."""

    class Meta:
        """Settings of the schema."""

        title = "Good"
        unknown = EXCLUDE  # members that are not known are ignored

    description = fields.String(
        required=True,
        validate=validate.Length(1, MAX_DESCRIPTION),
        metadata={"description": "What it is", "example": "Чайник Bork"},
    )
    price = fields.Float(
        required=True,
        metadata={"description": "What it costs", "example": 7000, "minimum": 0},
    )


class RegisteredOrderSchema(Schema):
    """An order as the shop registers it."""

    class Meta:
        """Settings of the schema."""

        title = "RegisteredOrder"
        unknown = EXCLUDE  # members that are not known are ignored

    order = fields.String(required=True, metadata=_NUMBER)
    goods = fields.List(
        fields.Nested(GoodSchema),
        required=True,
        validate=validate.Length(1, MAX_GOODS),
        metadata={"description": "What was bought"},
    )


class OutcomeSchema(Schema):
    """How far the calculation of an order is."""

    class Meta:
        """Settings of the schema."""

        title = "Outcome"

    order = fields.String(required=True, metadata=_NUMBER)
    status = fields.String(
        required=True,
        validate=validate.OneOf([*Status]),
        metadata={
            "description": "`INVALID` (there will be no points) and `PROCESSED` are final",
            "example": "PROCESSED",
        },
    )
    accrual = fields.Float(
        metadata={
            "description": "Points; missing where there are none",
            "example": 729.98,
            "exclusiveMinimum": 0,
        }
    )
