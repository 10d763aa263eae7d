"""What routes of several contexts do alike: JSON answers, amounts, idempotency keys, refusals."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus

import msgspec
from flask import Response, request
from flask_smorest import abort

from order_service.http.bodies import invalid, malformed
from order_service.http.persons import asker
from order_service.ledger.amounts import HUNDREDTHS, minor_units
from order_service.ledger.errors import AmountError, KeyReusedError, StillRunningError
from order_service.ledger.model import KeyedCommand

Refusals = Mapping[type[Exception], tuple[HTTPStatus, str]]
"""The problem that an error stands for; ``{}`` in its text is the error's own one."""

_KEY_REFUSALS: Refusals = {
    KeyReusedError: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This Idempotency-Key came before, with another request.",
    ),
    StillRunningError: (
        HTTPStatus.CONFLICT,
        "The request with this Idempotency-Key is being handled.",
    ),
}

_HEADER = "Idempotency-Key"

_is_key = re.compile(r"[\x21-\x7e]{1,255}\Z").match


@contextlib.contextmanager
def refusing(refusals: Refusals) -> Iterator[None]:
    """End the request with the problem that an error stands for: one of these or of the keys."""
    try:
        yield
    except Exception as error:
        known = {**_KEY_REFUSALS, **refusals}
        if type(error) not in known:
            raise
        status, text = known[type(error)]
        again = {"Retry-After": "1"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
        abort(status, message=text.format(error), headers=again, exc=error)


def answer(body: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return JSON."""
    return Response(msgspec.json.encode(body), status, content_type="application/json")


def amount_in(member: str, value: object, most: int, places: int = HUNDREDTHS) -> int:
    """Return the amount, in minor units, that a member of the body has.

    Raises:
        HTTPException: 422 if it is none.
    """
    try:
        return minor_units(value, most=most, places=places)
    except AmountError as error:
        invalid("json", member, str(error), HTTPStatus.UNPROCESSABLE_ENTITY)


def keyed_command(*content: object) -> KeyedCommand | None:
    """Return what is asked for under the idempotency key of the request, None if it has none.

    Raises:
        HTTPException: 400 if it is no key.
    """
    key = request.headers.get(_HEADER)
    if key is None:
        return None
    if not _is_key(key):
        malformed(f"An {_HEADER} is 1 to 255 visible ASCII characters.")
    return KeyedCommand(asker(), key, "\0".join(map(str, content)).encode())
