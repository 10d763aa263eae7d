"""`GET /order/<order_uid>`: what every answer is, whoever sends it.

The Flask view documents the route and the fast path in front of Flask answers nearly all of it.
Both ask :class:`OrderAnswers`, so a client cannot tell which of them it spoke to.
"""

import re
from http import HTTPStatus
from wsgiref.types import WSGIEnvironment

from order_service.contexts.orders.errors import OrderNotFoundError, StorageUnavailableError
from order_service.contexts.orders.model import UID_PATTERN
from order_service.contexts.orders.ports import Level
from order_service.http.answer import Answer
from order_service.http.authentication import principal_of
from order_service.http.headers import CACHE, RETRY_AFTER
from order_service.http.problems import problem_answer

from .ownership import may_see
from .ports import OrderLookup
from .representation import Representation

ORDER_RULE = "/order/<order_uid>"

ASK_AGAIN = "1"
"""Seconds after which it makes sense to ask again when the database is away."""

is_uid = re.compile(UID_PATTERN).match


class OrderAnswers:
    """Looks an order up and says what came of it. Thread-safe.

    Args:
        lookup: Finds orders; may block, with its deadlines.
        representation: How an order looks.
    """

    def __init__(self, lookup: OrderLookup, representation: Representation) -> None:
        self._find = lookup.find
        self._represent = representation.of

    def of(self, uid: str, environ: WSGIEnvironment) -> Answer:
        """Return the answer to a request for a well-formed uid: 200, 304, 404 or 503."""
        try:
            found = self._find(uid)
        except OrderNotFoundError as error:
            return _not_found(environ, error)
        except StorageUnavailableError:
            return _unavailable(environ)
        if not may_see(principal_of(environ), found.document):
            # As if there were none: who asks learns nothing of others' orders.
            return _not_found(environ, OrderNotFoundError(uid, Level.MISS))
        return self._represent(found, environ.get("HTTP_IF_NONE_MATCH"))


def _not_found(environ: WSGIEnvironment, error: OrderNotFoundError) -> Answer:
    detail, headers = "There is no order with this id.", [(CACHE, error.level)]
    return problem_answer(environ, HTTPStatus.NOT_FOUND, detail, headers)


def _unavailable(environ: WSGIEnvironment) -> Answer:
    detail = "The order is not cached, and the database cannot be asked now."
    headers = [(RETRY_AFTER, ASK_AGAIN)]
    return problem_answer(environ, HTTPStatus.SERVICE_UNAVAILABLE, detail, headers)


class OrderFastPath:
    """Implements :class:`http.fast_path.FastPath`."""

    prefix = "/order/"
    rule = ORDER_RULE

    def __init__(self, answers: OrderAnswers) -> None:
        self._answer = answers.of

    def answer(self, environ: WSGIEnvironment) -> Answer | None:
        """Return the answer, None for what is no uid: the view says what is wrong with it."""
        uid: str = environ["PATH_INFO"][len(self.prefix) :]
        return self._answer(uid, environ) if is_uid(uid) else None
