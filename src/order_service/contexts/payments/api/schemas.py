"""What the routes of wallets take and give, for the API's documentation."""

from marshmallow import Schema, fields, validate

from order_service.contexts.payments.model import Kind
from order_service.http.documentation import UUID_TEXT, page_cursor, page_limit, parameter
from order_service.http.schemas import said

LIMIT = page_limit("entries")
CURSOR = page_cursor("^[0-9]{1,18}$", "4711")
OWNER = parameter(
    "path", "owner", "Id of the person", UUID_TEXT, "0193667b-7c11-7a52-9d4e-6f1f2b3c4d5e"
)

_WALLET = "0193667b-9a01-7d0e-8c7b-3f5b1a2c4d6e"
_TRANSFER = "0193667c-11f2-7e30-a1b2-c3d4e5f60718"
_MOMENT = "2026-11-26T08:30:00.123456Z"


class WalletSchema(Schema):
    """A wallet."""

    id = fields.UUID(**said("Id of the wallet, the same for ever", _WALLET))
    currency = fields.String(**said("ISO 4217 code", "USD"))
    balance = fields.Integer(
        validate=validate.Range(min=0), **said("What is there, in minor units", 15000)
    )
    created_at = fields.DateTime(**said("When it was opened, in UTC", _MOMENT))


class DepositRequestSchema(Schema):
    """Money that shall come into one's wallet."""

    amount = fields.Integer(
        validate=validate.Range(min=1),
        **said("In minor units: a whole number, at most `payments.max_amount`", 10000),
    )


class DepositSchema(Schema):
    """Money that came into one's wallet."""

    id = fields.UUID(**said("Id of the deposit", _TRANSFER))
    amount = fields.Integer(
        validate=validate.Range(min=1), **said("What came in, in minor units", 10000)
    )
    currency = fields.String(**said("ISO 4217 code", "USD"))
    balance = fields.Integer(
        validate=validate.Range(min=0), **said("What is there behind it, in minor units", 15000)
    )


class EntrySchema(Schema):
    """A movement."""

    id = fields.UUID(**said("Id of the transfer: of a deposit, a purchase, a refund", _TRANSFER))
    kind = fields.String(
        validate=validate.OneOf([*Kind]),
        **said("`deposit`, `purchase`, or `reversal` for what was given back", "purchase"),
    )
    change = fields.Integer(**said("In minor units; negative for what went out", -1999))
    balance = fields.Integer(
        validate=validate.Range(min=0), **said("What is there behind it, in minor units", 13001)
    )
    purchase = fields.UUID(
        allow_none=True, **said("The purchase it is about; null for a deposit", _TRANSFER)
    )
    created_at = fields.DateTime(**said("When it took effect, in UTC", _MOMENT))


class EntryPageSchema(Schema):
    """One page of movements, newest first."""

    entries = fields.List(fields.Nested(EntrySchema), required=True)
    next_cursor = fields.String(
        allow_none=True,
        **said("Pass it as `cursor` for the next page; null on the last one", "4711"),
    )
