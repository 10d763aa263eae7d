"""Under which idempotency key is asked, and how refusals look."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from flask_smorest import abort
from werkzeug.exceptions import HTTPException

from order_service.contexts.loyalty.errors import (
    AlreadyReversedError,
    InvalidNumberError,
    IrreversibleError,
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
from order_service.http.persons import asker, idempotency_key

_REFUSALS: dict[type[LoyaltyError], tuple[HTTPStatus, str]] = {
    InvalidNumberError: (HTTPStatus.UNPROCESSABLE_ENTITY, "This is no number of an order."),
    OthersNumberError: (HTTPStatus.CONFLICT, "Somebody else has uploaded this number."),
    TooManyPointsError: (HTTPStatus.UNPROCESSABLE_ENTITY, "There would be too many points."),
    UnknownMovementError: (HTTPStatus.NOT_FOUND, "There is no such movement."),
    AlreadyReversedError: (HTTPStatus.CONFLICT, "This was taken back before."),
    IrreversibleError: (
        HTTPStatus.CONFLICT,
        "This took a movement back and stays: book the points anew instead.",
    ),
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


def key_of_request(*content: object) -> Key | None:
    """Return the key of the request with what it asks for, None if it has none."""
    found = idempotency_key(*content)
    return Key(asker(), *found) if found else None
