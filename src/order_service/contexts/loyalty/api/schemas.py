"""What the routes take and give, for the API's documentation."""

from marshmallow import Schema, fields, validate

from order_service.contexts.loyalty.model import MAX_COMMENT, Kind, Status
from order_service.http.schemas import LenientSchema, TitledSchema, said

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


class UploadedNumberSchema(TitledSchema):
    """The number of an order, and what became of it."""

    number = fields.String(required=True, metadata=_NUMBER)
    status = fields.String(
        validate=validate.OneOf([*Status]),
        **said("`INVALID` and `PROCESSED` are final", "PROCESSED"),
    )
    accrual = fields.Float(metadata=_AMOUNT)
    uploaded_at = fields.DateTime(required=True, metadata=_TIME)


class BalanceSchema(TitledSchema):
    """Points that there are, and points that were withdrawn."""

    current = fields.Float(required=True, metadata={**_POINTS, "example": 500.5})
    withdrawn = fields.Float(required=True, metadata={**_POINTS, "example": 42})


class PointsPaymentSchema(LenientSchema):  # the contract of Gophermart refuses no unknown member
    """Points that shall pay for an order."""

    order = fields.String(required=True, metadata=_NUMBER)
    sum = fields.Float(required=True, metadata=_AMOUNT)


class WithdrawalSchema(TitledSchema):
    """Points that were withdrawn for an order."""

    order = fields.String(required=True, metadata=_NUMBER)
    sum = fields.Float(required=True, metadata=_AMOUNT)
    processed_at = fields.DateTime(required=True, metadata=_TIME)


class OperationSchema(Schema):
    """Points that shall come or go."""

    class Meta:
        """Settings of the schema."""

        title = "PointsOperation"

    operation = fields.String(
        validate=validate.OneOf(["w", "d"]),
        **said("`w`: they are withdrawn. `d`: they are deposited", "w"),
    )
    balance = fields.Float(required=True, metadata={**_AMOUNT, "description": "How many points"})
    comment = fields.String(validate=validate.Length(max=MAX_COMMENT), metadata=_COMMENT)
    uuid = fields.UUID(metadata={**_PERSON, "description": "Whose points, if not one's own"})


class ExpirySchema(TitledSchema):
    """Points that expire."""

    balance = fields.Float(required=True, metadata=_AMOUNT)
    at = fields.DateTime(required=True, metadata=_TIME)


class MovedSchema(TitledSchema):
    """The points of a person after a movement."""

    status = fields.String(**said("`Success`", "Success"))
    uuid = fields.UUID(required=True, metadata=_PERSON)
    balance = fields.Float(required=True, metadata=_POINTS)


class PersonsPointsSchema(MovedSchema):
    """The points of a person."""

    withdrawn = fields.Float(required=True, metadata=_POINTS)
    expires = fields.Nested(ExpirySchema, metadata={"description": "What expires next"})


class BookingSchema(TitledSchema):
    """Points with a comment."""

    amount = fields.Float(required=True, metadata=_AMOUNT)
    comment = fields.String(validate=validate.Length(max=MAX_COMMENT), metadata=_COMMENT)


class ReversalSchema(TitledSchema):
    """What shall be taken back."""

    movement = fields.UUID(required=True, metadata=_MOVEMENT)


class HistoryEntrySchema(TitledSchema):
    """A movement as it was booked."""

    movement = fields.UUID(required=True, metadata=_MOVEMENT)
    kind = fields.String(validate=validate.OneOf([*Kind]), **said("Why points moved", "accrual"))
    change = fields.Float(
        required=True, metadata={**_POINTS, "description": "What it did; negative if it took some"}
    )
    balance = fields.Float(
        required=True, metadata={**_POINTS, "description": "The points that there were after it"}
    )
    reference = fields.String(**said("Order or comment", "12345678903"))
    reverses = fields.UUID(metadata=_MOVEMENT)
    created_at = fields.DateTime(required=True, metadata=_TIME)
