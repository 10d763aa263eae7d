"""What goes wrong, as the answers of `/auth/*`: problem documents that older clients can read too.

These expect ``{"status": "Error", "error": "..."}``. RFC 9457 (section 3.1) has clients ignore a
``status`` that is no number, so that one document serves both; the status line has the number.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from flask_smorest import abort

from order_service.contexts.accounts.errors import (
    AccountDisabledError,
    AccountsError,
    InvalidFieldsError,
    LoginTakenError,
    NoSuchSessionError,
    RetryLaterError,
    SessionEndedError,
    WrongCredentialsError,
)
from order_service.http.authentication import REALM

_CHALLENGE = {"WWW-Authenticate": REALM}
_INVALID_TOKEN = {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}

_ANSWERS: Mapping[type[AccountsError], tuple[int, str, Mapping[str, str]]] = {
    LoginTakenError: (409, "This login is taken.", {}),
    WrongCredentialsError: (401, "The login or the password is wrong.", _CHALLENGE),
    AccountDisabledError: (403, "This account is disabled.", {}),
    SessionEndedError: (401, "This session has ended: sign in again.", _INVALID_TOKEN),
    NoSuchSessionError: (404, "There is no such session.", {}),
}


@contextmanager
def answered() -> Iterator[None]:
    """Answer what goes wrong in the block."""
    try:
        yield
    except AccountsError as error:
        _abort(error)


def _abort(error: AccountsError) -> NoReturn:
    if isinstance(error, RetryLaterError):
        wait = {"Retry-After": str(max(1, math.ceil(error.seconds)))}
        abort(429, message="Too many attempts: try again later.", headers=wait, exc=error)
    if isinstance(error, InvalidFieldsError):
        message = "Some of what was given cannot be accepted; see errors."
        abort(422, message=message, errors={"json": dict(error.faults)}, exc=error)
    for kind, (status, message, headers) in _ANSWERS.items():
        if isinstance(error, kind):
            abort(status, message=message, headers=headers, exc=error)
    abort(503, message="It cannot be known now.", headers={"Retry-After": "1"}, exc=error)


def older_face(problem: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a problem with the members that older clients read."""
    return {**problem, "status": "Error", "error": problem["detail"]}
