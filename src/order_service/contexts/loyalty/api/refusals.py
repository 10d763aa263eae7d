"""How refusals look."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from werkzeug.exceptions import HTTPException

from order_service.context.routes import Refusals, refusing
from order_service.contexts.loyalty.errors import (
    AlreadyReversedError,
    InvalidNumberError,
    IrreversibleError,
    NotEnoughPointsError,
    OthersNumberError,
    StorageUnavailableError,
    TooManyPointsError,
    UnknownMovementError,
)

_REFUSALS: Refusals = {
    InvalidNumberError: (HTTPStatus.UNPROCESSABLE_ENTITY, "This is no number of an order."),
    OthersNumberError: (HTTPStatus.CONFLICT, "Somebody else has uploaded this number."),
    TooManyPointsError: (HTTPStatus.UNPROCESSABLE_ENTITY, "There would be too many points."),
    UnknownMovementError: (HTTPStatus.NOT_FOUND, "There is no such movement."),
    AlreadyReversedError: (HTTPStatus.CONFLICT, "This was taken back before."),
    IrreversibleError: (
        HTTPStatus.CONFLICT,
        "This took a movement back and stays: book the points anew instead.",
    ),
    StorageUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be asked now."),
}


class PaymentRequired(HTTPException):
    """Status 402, which werkzeug has no exception of."""

    code = HTTPStatus.PAYMENT_REQUIRED
    description = "There are not enough points."


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """End the request with the problem that an error of this context stands for."""
    try:
        with refusing(_REFUSALS):
            yield
    except NotEnoughPointsError as error:
        raise PaymentRequired from error
