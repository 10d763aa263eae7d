"""`GET /api/orders/<number>`: what every answer is, in front of Flask and behind it."""

from http import HTTPStatus
from wsgiref.types import WSGIEnvironment

import msgspec

from order_service.contexts.accrual.errors import StorageUnavailableError
from order_service.contexts.accrual.limit import RequestLimit
from order_service.contexts.accrual.metrics import RequestMetrics
from order_service.contexts.accrual.model import Outcome
from order_service.contexts.accrual.ports import AccrualStore
from order_service.http.answer import Answer
from order_service.http.problems import problem_answer
from order_service.http.security import COMMON
from order_service.infra.luhn import is_luhn_number
from order_service.ledger.amounts import json_number

ORDER_RULE = "/api/orders/<number>"

_NO_STORE = ("Cache-Control", "no-store")


class OutcomeAnswers:
    """Says how far an order is. Thread-safe.

    Args:
        store: Knows the orders.
        limit: How often may be asked.
        metrics: Counts those who ask too often.
    """

    def __init__(self, store: AccrualStore, limit: RequestLimit, metrics: RequestMetrics) -> None:
        self._store = store
        self._limit = limit
        self._metrics = metrics

    def of(self, number: str, environ: WSGIEnvironment) -> Answer:
        """Return the answer to a question: 200, 204, 429 or 503."""
        if seconds := self._limit.wait():
            self._metrics.limited.inc()
            return self._too_many(seconds)
        try:
            outcome = self._store.find(number) if is_luhn_number(number) else None
        except StorageUnavailableError:
            detail = "The database cannot be asked now."
            return problem_answer(
                environ, HTTPStatus.SERVICE_UNAVAILABLE, detail, [("Retry-After", "1")]
            )
        return _known(outcome) if outcome else Answer("204 No Content", [*COMMON, _NO_STORE], b"")

    def _too_many(self, seconds: int) -> Answer:
        text = f"No more than {self._limit.limit} requests per minute allowed"
        headers = [("Content-Type", "text/plain"), ("Retry-After", str(seconds))]
        return _answer("429 Too Many Requests", headers, text.encode())


def _known(outcome: Outcome) -> Answer:
    said: dict[str, object] = {"order": outcome.number, "status": outcome.status}
    if outcome.accrual is not None:
        said["accrual"] = json_number(outcome.accrual)
    headers = [("Content-Type", "application/json")]
    return _answer("200 OK", headers, msgspec.json.encode(said))


def _answer(status: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
    own = [*headers, *COMMON, _NO_STORE, ("Content-Length", str(len(body)))]
    return Answer(status, own, body)


class OutcomeFastPath:
    """Implements :class:`http.fast_path.FastPath`: pollers ask thousands of times a second."""

    prefix = "/api/orders/"
    rule = ORDER_RULE

    def __init__(self, answers: OutcomeAnswers) -> None:
        self._answer = answers.of

    def answer(self, environ: WSGIEnvironment) -> Answer | None:
        """Return the answer, None for what is no path of this route."""
        number: str = environ["PATH_INFO"][len(self.prefix) :]
        return self._answer(number, environ) if number.isalnum() else None

    def quick(self, _: WSGIEnvironment) -> None:
        """See :meth:`http.quick_path.QuickPath.quick`; each answer asks the database."""
