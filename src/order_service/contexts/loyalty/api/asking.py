"""Who asks, under which idempotency key, and how refusals look."""

import contextlib
import re
from collections.abc import Iterator
from http import HTTPStatus
from uuid import UUID

from flask import request
from flask_smorest import abort
from werkzeug.exceptions import HTTPException

from order_service.contexts.loyalty.errors import (
    AlreadyReversedError,
    InvalidNumberError,
    KeyReusedError,
    LoyaltyError,
    NotEnoughPointsError,
    OthersNumberError,
    StillRunningError,
    StorageUnavailableError,
    TooManyPointsError,
    UnknownMovementError,
)
from order_service.contexts.loyalty.ports import Key
from order_service.http.authentication import Principal, principal_of
from order_service.http.bodies import malformed

_is_key = re.compile(r"[\x21-\x7e]{1,255}\Z").match

_REFUSALS: dict[type[LoyaltyError], tuple[HTTPStatus, str]] = {
    InvalidNumberError: (HTTPStatus.UNPROCESSABLE_ENTITY, "This is no number of an order."),
    OthersNumberError: (HTTPStatus.CONFLICT, "Somebody else has uploaded this number."),
    TooManyPointsError: (HTTPStatus.UNPROCESSABLE_ENTITY, "There would be too many points."),
    UnknownMovementError: (HTTPStatus.NOT_FOUND, "There is no such movement."),
    AlreadyReversedError: (HTTPStatus.CONFLICT, "This was taken back before."),
    KeyReusedError: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This Idempotency-Key came before, with another request.",
    ),
    StillRunningError: (
        HTTPStatus.CONFLICT,
        "The request with this Idempotency-Key is being handled.",
    ),
    StorageUnavailableError: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database cannot be asked now.",
    ),
}
_AGAIN = {"Retry-After": "1"}


class PaymentRequired(HTTPException):
    """Status 402."""

    code = HTTPStatus.PAYMENT_REQUIRED
    description = "There are not enough points."


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """End the request with the problem that an error of this context stands for."""
    try:
        yield
    except NotEnoughPointsError as error:
        raise PaymentRequired from error
    except LoyaltyError as error:
        status, text = _REFUSALS[type(error)]
        headers = _AGAIN if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
        abort(status, message=text, headers=headers, exc=error)


def principal() -> Principal:
    """Return who asks; the routes of this context are closed to anybody else."""
    found = principal_of(request.environ)
    if found is None:
        abort(HTTPStatus.UNAUTHORIZED, message="This is about the person who asks.")
    return found


def person() -> UUID:
    """Return the id of the person who asks."""
    return id_of(principal())


def id_of(found: Principal) -> UUID:
    """Return the id of a person."""
    try:
        return UUID(found.subject)
    except ValueError:  # the key of a program
        abort(HTTPStatus.FORBIDDEN, message="This is for persons.")


def idempotency_key(*content: object) -> Key | None:
    """Return the key of the request with what it asks for, None if it has none."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _is_key(key):
        malformed("An Idempotency-Key is 1 to 255 visible ASCII characters.")
    return Key(key, "\0".join(map(str, content)).encode())
