"""What the routes take and give, for the API's documentation."""

from marshmallow import EXCLUDE, Schema, fields, validate

from order_service.contexts.loyalty.model import MAX_COMMENT, Kind, Status

_NUMBER = {
    "description": "Number of an order, with its check digit (Luhn)",
    "example": "12345678903",
}
_POINTS = {"description": "Points, with at most two decimal places", "example": 729.98}
_AMOUNT = {**_POINTS, "exclusiveMinimum": 0}
_TIME = {"description": "When, in UTC (RFC 3339)", "example": "2026-11-26T08:00:00.123456Z"}
_PERSON = {"description": "Whose points", "example": "0193667b-7c11-7a52-9d4e-6f1f2b3c4d5e"}
_MOVEMENT = {"description": "Id of a movement", "example": "2b1f0c1a-31a4-4f0e-9c7e-2f4d1e8a7b6c"}
_COMMENT = {"description": "What it is for", "example": "birthday"}


class UploadedNumberSchema(Schema):
    """The number of an order, and what became of it."""

    class Meta:
        """Settings of the schema."""

        title = "UploadedNumber"

    number = fields.String(required=True, metadata=_NUMBER)
    status = fields.String(
        required=True,
        validate=validate.OneOf([*Status]),
        metadata={"description": "`INVALID` and `PROCESSED` are final", "example": "PROCESSED"},
    )
    accrual = fields.Float(metadata=_AMOUNT)
    uploaded_at = fields.DateTime(required=True, metadata=_TIME)


class BalanceSchema(Schema):
    """Points that there are, and points that were withdrawn."""

    class Meta:
        """Settings of the schema."""

        title = "Balance"

    current = fields.Float(required=True, metadata={**_POINTS, "example": 500.5})
    withdrawn = fields.Float(required=True, metadata={**_POINTS, "example": 42})


class PointsPaymentSchema(Schema):
    """Points that shall pay for an order."""

    class Meta:
        """Settings of the schema."""

        title = "PointsPayment"
        unknown = EXCLUDE  # the contract of Gophermart does not refuse what it does not know

    order = fields.String(required=True, metadata=_NUMBER)
    sum = fields.Float(required=True, metadata=_AMOUNT)


class WithdrawalSchema(Schema):
    """Points that were withdrawn for an order."""

    class Meta:
        """Settings of the schema."""

        title = "Withdrawal"

    order = fields.String(required=True, metadata=_NUMBER)
    sum = fields.Float(required=True, metadata=_AMOUNT)
    processed_at = fields.DateTime(required=True, metadata=_TIME)


class OperationSchema(Schema):
    """Points that shall come or go."""

    class Meta:
        """Settings of the schema."""

        title = "PointsOperation"

    operation = fields.String(
        required=True,
        validate=validate.OneOf(["w", "d"]),
        metadata={
            "description": "`w`: they are withdrawn. `d`: they are deposited",
            "example": "w",
        },
    )
    balance = fields.Float(required=True, metadata={**_AMOUNT, "description": "How many points"})
    comment = fields.String(validate=validate.Length(max=MAX_COMMENT), metadata=_COMMENT)
    uuid = fields.UUID(metadata={**_PERSON, "description": "Whose points, if not one's own"})


class ExpirySchema(Schema):
    """Points that expire."""

    class Meta:
        """Settings of the schema."""

        title = "Expiry"

    balance = fields.Float(required=True, metadata=_AMOUNT)
    at = fields.DateTime(required=True, metadata=_TIME)


class MovedSchema(Schema):
    """The points of a person after a movement."""

    class Meta:
        """Settings of the schema."""

        title = "Moved"

    status = fields.String(
        required=True, metadata={"description": "`Success`", "example": "Success"}
    )
    uuid = fields.UUID(required=True, metadata=_PERSON)
    balance = fields.Float(required=True, metadata=_POINTS)


class PersonsPointsSchema(MovedSchema):
    """The points of a person."""

    class Meta:
        """Settings of the schema."""

        title = "PersonsPoints"

    withdrawn = fields.Float(required=True, metadata=_POINTS)
    expires = fields.Nested(ExpirySchema, metadata={"description": "What expires next"})


class BookingSchema(Schema):
    """Points with a comment."""

    class Meta:
        """Settings of the schema."""

        title = "Booking"

    amount = fields.Float(required=True, metadata=_AMOUNT)
    comment = fields.String(validate=validate.Length(max=MAX_COMMENT), metadata=_COMMENT)


class ReversalSchema(Schema):
    """What shall be taken back."""

    class Meta:
        """Settings of the schema."""

        title = "Reversal"

    movement = fields.UUID(required=True, metadata=_MOVEMENT)


class HistoryEntrySchema(Schema):
    """A movement as it was booked."""

    class Meta:
        """Settings of the schema."""

        title = "HistoryEntry"

    movement = fields.UUID(required=True, metadata=_MOVEMENT)
    kind = fields.String(
        required=True,
        validate=validate.OneOf([*Kind]),
        metadata={"description": "Why points moved", "example": "accrual"},
    )
    change = fields.Float(
        required=True, metadata={**_POINTS, "description": "What it did; negative if it took some"}
    )
    balance = fields.Float(
        required=True, metadata={**_POINTS, "description": "The points that there were after it"}
    )
    reference = fields.String(
        required=True, metadata={"description": "Order or comment", "example": "12345678903"}
    )
    reverses = fields.UUID(metadata=_MOVEMENT)
    created_at = fields.DateTime(required=True, metadata=_TIME)
