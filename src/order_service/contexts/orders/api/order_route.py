"""`GET /order/<order_uid>`: what every answer is, whoever sends it.

The Flask view documents the route and the fast path in front of Flask answers nearly all of it.
Both ask :class:`OrderAnswers`, so a client cannot tell which of them it spoke to.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple
from wsgiref.types import WSGIEnvironment

from order_service.contexts.orders.errors import OrderNotFoundError, StorageUnavailableError
from order_service.contexts.orders.lookup import Found
from order_service.contexts.orders.model import UID_PATTERN, Document
from order_service.contexts.orders.ports import Level
from order_service.contexts.orders.quick_lookup import Outcome
from order_service.http.answer import Answer, ReadyAnswer, ready
from order_service.http.authentication import principal_of
from order_service.http.headers import CACHE, RETRY_AFTER
from order_service.http.problems import problem_answer

from .ownership import may_see
from .ports import OrderLookup, OrderQuickLookup
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
        except (OrderNotFoundError, StorageUnavailableError) as error:
            return refusal(environ, error)
        if not may_see(principal_of(environ), found.document):
            # As if there were none: who asks learns nothing of others' orders.
            return _not_found(environ, OrderNotFoundError(uid, Level.MISS))
        return self._represent(found, environ.get("HTTP_IF_NONE_MATCH"))


def refusal(
    environ: WSGIEnvironment, error: OrderNotFoundError | StorageUnavailableError
) -> Answer:
    """Return the answer where there is no order to be had: 404 or 503."""
    if isinstance(error, OrderNotFoundError):
        return _not_found(environ, error)
    return _unavailable(environ)


def _not_found(environ: WSGIEnvironment, error: OrderNotFoundError) -> Answer:
    detail, headers = "There is no order with this id.", [(CACHE, error.level)]
    return problem_answer(environ, HTTPStatus.NOT_FOUND, detail, headers)


def _unavailable(environ: WSGIEnvironment) -> Answer:
    detail = "The order is not cached, and the database cannot be asked now."
    headers = [(RETRY_AFTER, ASK_AGAIN)]
    return problem_answer(environ, HTTPStatus.SERVICE_UNAVAILABLE, detail, headers)


class OrderFastPath:
    """Implements :class:`http.fast_path.FastPath`.

    Args:
        answers: What the answers are.
        lookup: Finds orders in the event loop.
        representation: How an order looks.
    """

    prefix = "/order/"
    rule = ORDER_RULE

    def __init__(
        self, answers: OrderAnswers, lookup: OrderQuickLookup, representation: Representation
    ) -> None:
        self._answer = answers.of
        self._calls = QuickCalls(
            lookup.find_at_once, lookup.found_at_once, lookup.find_soon, representation.of
        )

    def answer(self, environ: WSGIEnvironment) -> Answer | None:
        """Return the answer, None for what is no uid: the view says what is wrong with it."""
        uid: str = environ["PATH_INFO"][len(self.prefix) :]
        return self._answer(uid, environ) if is_uid(uid) else None

    def quick(self, environ: WSGIEnvironment) -> "QuickOrder | None":
        """See :meth:`http.quick_path.QuickPath.quick`."""
        uid: str = environ["PATH_INFO"][len(self.prefix) :]
        if not is_uid(uid):
            return None
        return QuickOrder(uid, environ.get("HTTP_IF_NONE_MATCH"), self._calls)


class QuickCalls(NamedTuple):
    """What all quick orders call: thousands of them stay, and share it.

    Attributes:
        find: Finds what the process knows.
        found: Told whenever that is an answer.
        find_soon: Finds what it does not know.
        represent: Says how an order looks.
    """

    find: Callable[[str], tuple[Document, float] | None]
    found: Callable[[], None]
    find_soon: Callable[[str, Callable[[Outcome], None]], None]
    represent: Callable[[Found, str | None], Answer]


class QuickOrder:
    """Implements :class:`http.quick_path.QuickAnswers` for those who need no credential.

    Args:
        uid: Of the order, well-formed.
        if_none_match: The request's condition.
        calls: What it calls.
    """

    __slots__ = (
        "_condition", "_digest", "_find", "_find_soon", "_head", "_level", "_represent", "_status",
        "_uid", "_with_body", "given",
    )  # fmt: skip

    def __init__(self, uid: str, if_none_match: str | None, calls: QuickCalls) -> None:
        self._uid = uid
        self._condition = if_none_match
        self._find, self.given, self._find_soon, self._represent = calls
        # What is asked for over and over looks the same until its content changes.
        self._digest = ""
        self._level = Level.LOCAL
        self._status = ""
        self._head = b""
        self._with_body = False

    def at_once(self) -> tuple[ReadyAnswer, float] | None:
        """See :meth:`http.quick_path.QuickAnswers.at_once`."""
        known = self._find(self._uid)
        if known is None:
            return None
        document, until = known
        return self._of(document, Level.LOCAL), until

    def soon(self, then: Callable[[Outcome], None]) -> None:
        """See :meth:`http.quick_path.QuickAnswers.soon`."""
        self._find_soon(self._uid, then)

    def answer(self, outcome: Outcome, environ: WSGIEnvironment) -> ReadyAnswer:
        """See :meth:`http.quick_path.QuickAnswers.answer`."""
        try:
            found = outcome()
        except (OrderNotFoundError, StorageUnavailableError) as error:
            return ready(refusal(environ, error))
        return self._of(*found)

    def _of(self, document: Document, level: Level) -> ReadyAnswer:
        if document.digest != self._digest or level is not self._level:
            found = Found(document, level)
            self._status, self._head, body = ready(self._represent(found, self._condition))
            self._digest, self._level, self._with_body = document.digest, level, bool(body)
        return self._status, self._head, document.body if self._with_body else b""
