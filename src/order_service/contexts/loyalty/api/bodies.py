"""What the routes take: numbers, amounts, comments and places in lists."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from flask import Request
from msgspec import Struct

from order_service.context.routes import amount_in
from order_service.contexts.loyalty.model import MAX_COMMENT, MAX_POINTS
from order_service.contexts.loyalty.ports import Place
from order_service.http.bodies import body_of, invalid, json_of, malformed
from order_service.ledger.amounts import decoder

LONGEST_PAGE = 1000
UNKNOWN_CURSOR = "is none of this service"
_MAX_NUMBER = 1024
"""Most bytes of a body that is a number: what is longer is none, whatever it holds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_is_place = re.compile(r"([0-9]{1,17})\.([0-9]{1,255})\Z").match


class _WithdrawalBody(Struct):
    order: str
    sum: Any


class _OperationBody(Struct, forbid_unknown_fields=True):
    operation: Literal["w", "d"]
    balance: Any
    comment: str = ""
    uuid: UUID | None = None


class _BookingBody(Struct, forbid_unknown_fields=True):
    amount: Any
    comment: str = ""


class _ReversalBody(Struct, forbid_unknown_fields=True):
    movement: UUID


_WITHDRAWAL: msgspec.json.Decoder[_WithdrawalBody] = decoder(_WithdrawalBody)
_OPERATION: msgspec.json.Decoder[_OperationBody] = decoder(_OperationBody)
_BOOKING: msgspec.json.Decoder[_BookingBody] = decoder(_BookingBody)
_REVERSAL: msgspec.json.Decoder[_ReversalBody] = decoder(_ReversalBody)


class Payment(NamedTuple):
    """An order, and the points that shall pay for it."""

    order: str
    amount: int


class Operation(NamedTuple):
    """Points that shall come or go, and whose; None for those of the person who asks."""

    withdraws: bool
    amount: int
    comment: str
    owner: UUID | None


class Booking(NamedTuple):
    """Points with a comment."""

    amount: int
    comment: str


def number_of(request: Request) -> str:
    """Return the text of a request, which should be the number of an order.

    Raises:
        HTTPException: 400 if it is empty, no text or says that it is something else.
    """
    if request.mimetype not in {"", "text/plain"}:
        malformed("The body must be the number of an order, with the content type text/plain.")
    body = body_of(request, _MAX_NUMBER)
    if not body:
        malformed("The body is empty.")
    try:
        return body.decode()
    except UnicodeDecodeError:
        malformed("The body is no text.")


def payment_of(request: Request) -> Payment:
    """Return what shall be paid for with how many points."""
    body = json_of(request, _WITHDRAWAL)
    return Payment(body.order, amount_in("sum", body.sum, MAX_POINTS))


def operation_of(request: Request) -> Operation:
    """Return which points shall come or go."""
    body = json_of(request, _OPERATION)
    amount = amount_in("balance", body.balance, MAX_POINTS)
    return Operation(body.operation == "w", amount, _comment(body.comment), body.uuid)


def booking_of(request: Request) -> Booking:
    """Return which points shall be booked."""
    body = json_of(request, _BOOKING)
    return Booking(amount_in("amount", body.amount, MAX_POINTS), _comment(body.comment))


def reversed_by(request: Request) -> UUID:
    """Return the movement that shall be taken back."""
    return json_of(request, _REVERSAL).movement


def _comment(text: str) -> str:
    if len(text) > MAX_COMMENT or "\0" in text:
        malformed(f"comment must be at most {MAX_COMMENT} characters, none of them NUL.")
    return text


def place_of(request: Request) -> Place | None:
    """Return the place behind which a page of numbers begins."""
    text = request.args.get("cursor")
    if text is None:
        return None
    found = _is_place(text)
    try:
        moment = _EPOCH + timedelta(microseconds=int(found[1])) if found else None
    except OverflowError:
        moment = None
    if found is None or moment is None:
        invalid("query", "cursor", UNKNOWN_CURSOR)
    return Place(moment, found[2])


def cursor_of(place: Place) -> str:
    """Return the text that `place_of` reads."""
    microseconds = (place.uploaded_at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}.{place.number}"
