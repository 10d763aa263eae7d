"""What goes wrong, as statuses of gRPC: the same errors as over HTTP, in this protocol's words."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

import grpc

from order_service.contexts.accounts.errors import (
    AccountDisabledError,
    AccountsError,
    InvalidFieldsError,
    InvalidTokenError,
    LoginTakenError,
    NoSuchPersonError,
    RetryLaterError,
    SessionEndedError,
    WrongCredentialsError,
)

RETRY_AFTER = "retry-after"
"""Trailer with the seconds after which it makes sense to call again."""

FAULTS = "faults"
"""Trailer with the faults of the fields: a JSON object, field to texts."""

_STATUSES: Mapping[type[AccountsError], tuple[grpc.StatusCode, str]] = {
    LoginTakenError: (grpc.StatusCode.ALREADY_EXISTS, "This login is taken."),
    WrongCredentialsError: (
        grpc.StatusCode.UNAUTHENTICATED,
        "The login or the password is wrong.",
    ),
    SessionEndedError: (grpc.StatusCode.UNAUTHENTICATED, "This session has ended."),
    InvalidTokenError: (grpc.StatusCode.UNAUTHENTICATED, "This token is not valid."),
    AccountDisabledError: (grpc.StatusCode.PERMISSION_DENIED, "This account is disabled."),
    NoSuchPersonError: (grpc.StatusCode.NOT_FOUND, "There is no such person."),
}


class Status(NamedTuple):
    """How a call ends that fails."""

    code: grpc.StatusCode
    text: str
    trailers: Sequence[tuple[str, str]] = ()


def status_of(error: AccountsError) -> Status:
    """Return how a call ends that met `error`; what is not listed cannot be known now."""
    if isinstance(error, RetryLaterError):
        wait = str(max(1, math.ceil(error.seconds)))
        text = "Too many attempts: try again later."
        return Status(grpc.StatusCode.RESOURCE_EXHAUSTED, text, [(RETRY_AFTER, wait)])
    if isinstance(error, InvalidFieldsError):
        faults = json.dumps({name: [*texts] for name, texts in error.faults.items()})
        text = "Some of what was given cannot be accepted; see the trailer `faults`."
        return Status(grpc.StatusCode.INVALID_ARGUMENT, text, [(FAULTS, faults)])
    for kind, (code, text) in _STATUSES.items():
        if isinstance(error, kind):
            return Status(code, text)
    text = "It cannot be known now."
    return Status(grpc.StatusCode.UNAVAILABLE, text, [(RETRY_AFTER, "1")])


def end(context: grpc.ServicerContext, status: Status) -> NoReturn:
    """End a call with a status."""
    if status.trailers:
        context.set_trailing_metadata(tuple(status.trailers))
    context.abort(status.code, status.text)
    raise AssertionError  # `abort` has raised
