"""Whose request it is."""

from http import HTTPStatus
from uuid import UUID, uuid5

from flask import request
from flask_smorest import abort

from .authentication import Principal, principal_of

_PROGRAMS = UUID("6a2b1f0c-5b3e-4e0d-9d55-0c8a8b8e7f10")
"""Namespace of the ids of programs."""


def principal() -> Principal:
    """Return who asks.

    Raises:
        HTTPException: 401 if nobody is known to ask.
    """
    found = principal_of(request.environ)
    if found is None:
        abort(HTTPStatus.UNAUTHORIZED, message="This is about the person who asks.")
    return found


def person() -> UUID:
    """Return the id of the person who asks.

    Raises:
        HTTPException: 401 if nobody is known to ask, 403 if it is no person.
    """
    return id_of(principal())


def id_of(asking: Principal) -> UUID:
    """Return the id of a person.

    Raises:
        HTTPException: 403 if it is none.
    """
    try:
        return UUID(asking.subject)
    except ValueError:  # the key of a program
        abort(HTTPStatus.FORBIDDEN, message="This is for persons.")


def asker() -> UUID:
    """Return the id of the person who asks, or one made of the name of a program's key.

    Raises:
        HTTPException: 401 if nobody is known to ask.
    """
    subject = principal().subject
    try:
        return UUID(subject)
    except ValueError:
        return uuid5(_PROGRAMS, subject)
