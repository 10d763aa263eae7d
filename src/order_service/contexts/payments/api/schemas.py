"""What the routes of wallets take and give, for the API's documentation."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from order_service.contexts.payments.model import Kind

LIMIT: Mapping[str, object] = {
    "in": "query",
    "name": "limit",
    "description": "Most entries on one page",
    "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    "example": 20,
}
CURSOR: Mapping[str, object] = {
    "in": "query",
    "name": "cursor",
    "description": "`next_cursor` of the page before",
    "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    "example": "4711",
}
OWNER: Mapping[str, object] = {
    "in": "path",
    "name": "owner",
    "description": "Id of the person",
    "schema": {"type": "string", "format": "uuid"},
    "example": "0193667b-7c11-7a52-9d4e-6f1f2b3c4d5e",
}

_WALLET = "0193667b-9a01-7d0e-8c7b-3f5b1a2c4d6e"
_TRANSFER = "0193667c-11f2-7e30-a1b2-c3d4e5f60718"
_MOMENT = "2026-11-26T08:30:00.123456Z"


def _said(description: str, example: object) -> dict[str, Any]:
    return {"required": True, "metadata": {"description": description, "example": example}}


class WalletSchema(Schema):
    """A wallet."""

    id = fields.UUID(**_said("Id of the wallet, the same for ever", _WALLET))
    currency = fields.String(**_said("ISO 4217 code", "USD"))
    balance = fields.Integer(
        validate=validate.Range(min=0), **_said("What is there, in minor units", 15000)
    )
    created_at = fields.DateTime(**_said("When it was opened, in UTC", _MOMENT))


class DepositRequestSchema(Schema):
    """Money that shall come into one's wallet."""

    amount = fields.Integer(
        validate=validate.Range(min=1),
        **_said("In minor units: a whole number, at most `payments.max_amount`", 10000),
    )


class DepositSchema(Schema):
    """Money that came into one's wallet."""

    id = fields.UUID(**_said("Id of the deposit", _TRANSFER))
    amount = fields.Integer(
        validate=validate.Range(min=1), **_said("What came in, in minor units", 10000)
    )
    currency = fields.String(**_said("ISO 4217 code", "USD"))
    balance = fields.Integer(
        validate=validate.Range(min=0), **_said("What is there behind it, in minor units", 15000)
    )


class EntrySchema(Schema):
    """A movement."""

    id = fields.UUID(**_said("Id of the transfer: of a deposit, a purchase, a refund", _TRANSFER))
    kind = fields.String(
        validate=validate.OneOf([*Kind]),
        **_said("`deposit`, `purchase`, or `reversal` for what was given back", "purchase"),
    )
    change = fields.Integer(**_said("In minor units; negative for what went out", -1999))
    balance = fields.Integer(
        validate=validate.Range(min=0), **_said("What is there behind it, in minor units", 13001)
    )
    purchase = fields.UUID(
        allow_none=True, **_said("The purchase it is about; null for a deposit", _TRANSFER)
    )
    created_at = fields.DateTime(**_said("When it took effect, in UTC", _MOMENT))


class EntryPageSchema(Schema):
    """One page of movements, newest first."""

    entries = fields.List(fields.Nested(EntrySchema), required=True)
    next_cursor = fields.String(
        allow_none=True,
        **_said("Pass it as `cursor` for the next page; null on the last one", "4711"),
    )
