"""Answers in the server's event loop, before there is a thread or an environment for the request.

A fast path may be quick as well: then it says at once what it knows, and has the rest said soon,
without a thread that waits. That is for routes that are open to all, while nothing stands in front
of what is open; the answers are those of the fast path and of Flask.
"""

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any, Protocol
from wsgiref.types import WSGIEnvironment

from .answer import ReadyAnswer
from .metering import Count, HttpMeter
from .request_id import forget_request_id, request_id_line, request_id_lines
from .server.request import Request
from .server.site import Ask, Reply, Whole

_READS = frozenset(("GET", "HEAD"))
_BODILY = frozenset((b"content-length", b"transfer-encoding", b"expect"))

QUICK_FIELDS = {b"if-none-match": "HTTP_IF_NONE_MATCH", b"x-request-id": "HTTP_X_REQUEST_ID"}
"""Header fields that are known here, where no whole WSGI environment is made."""

_LENGTHS = frozenset(map(len, {*_BODILY, *QUICK_FIELDS}))


class QuickAnswers(Protocol):
    """Answers requests that are alike, without blocking; called in the event loop."""

    @property
    def given(self) -> Callable[[], None]:
        """Called whenever an answer of `at_once` is given."""

    def at_once(self) -> tuple[ReadyAnswer, float] | None:
        """Return the answer if it is known already.

        Returns:
            The answer, and until when it is given again without asking (`time.monotonic`).
        """

    def soon(self, then: Callable[[Any], None]) -> None:
        """Have `then` called once, in any thread, with what `answer` makes an answer of."""

    def answer(self, outcome: Any, environ: WSGIEnvironment) -> ReadyAnswer:  # noqa: ANN401 - its own
        """Return the answer. If it raises, the application answers.

        Args:
            outcome: What `then` was called with.
            environ: The one that this was made for, with the id of the request that is answered.
        """


class QuickPath(Protocol):
    """Answers plain `GET` and `HEAD` requests of one route."""

    @property
    def prefix(self) -> str:
        """What the paths of the route begin with: ``/order/``."""

    @property
    def rule(self) -> str:
        """The route as Flask writes it, for metrics and traces: ``/order/<order_uid>``."""

    def quick(self, environ: WSGIEnvironment) -> QuickAnswers | None:
        """Return what answers such a request, None if it must be answered otherwise.

        Args:
            environ: Method, path, and the fields in `QUICK_FIELDS` that the client sent; no more.
        """


class QuickPaths:
    """Finds what answers a request in the event loop; is a :data:`server.site.Quick`.

    Args:
        paths: Whose routes are open to all.
        meter: Counts what is answered.
    """

    def __init__(self, paths: Sequence[QuickPath], meter: HttpMeter) -> None:
        self._paths = [
            (path.prefix.encode(), path, partial(self._counter, path.rule)) for path in paths
        ]
        self._meter = meter
        self._counters: dict[tuple[str, str, str], Count] = {}

    def __call__(self, request: Request) -> Ask | None:
        """Return what answers a request and others of the same bytes."""
        for prefix, path, counter in self._paths:
            if request.target.startswith(prefix):
                environ = _environ(request)
                answers = path.quick(environ) if environ else None
                if environ and answers:
                    return _Asked(answers, environ, counter)
                return None
        return None

    def _counter(self, rule: str, method: str, status: str) -> Count:
        key = (rule, method, status)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._meter.quick_counter(method, rule, int(status[:3]))
            self._counters[key] = counter
        return counter


class _Asked:
    """Implements :class:`server.site.Ask`. What is asked for most comes through here."""

    __slots__ = (
        "_answers", "_body", "_count", "_counter", "_environ", "_find", "_given", "_head",
        "_id_line", "_status", "_until", "_with_body",
    )  # fmt: skip

    def __init__(
        self,
        answers: QuickAnswers,
        environ: WSGIEnvironment,
        counter: Callable[[str, str], Count],
    ) -> None:
        self._answers = answers
        self._find = answers.at_once
        self._given = answers.given
        self._environ = environ
        self._id_line = request_id_lines(environ)
        self._with_body = environ["REQUEST_METHOD"] == "GET"
        self._counter = counter
        self._status = ""
        self._count: Count
        self._until = 0.0
        self._head = self._body = b""

    def at_once(self) -> Whole | None:
        began = monotonic()
        if began >= self._until:
            known = self._find()
            if known is None:
                self._body = b""
                return None
            (status, self._head, body), self._until = known
            self._body = body if self._with_body else b""
            self._counts(status)
        self._given()
        self._count(monotonic() - began)
        return self._head + self._id_line(), self._body

    def soon(self, reply: Reply) -> None:
        self._answers.soon(partial(self._tell, reply, monotonic()))

    def _tell(self, reply: Reply, began: float, outcome: object) -> None:
        reply(partial(self._made_of, outcome, began))

    def _made_of(self, outcome: object, began: float) -> Whole | None:
        forget_request_id(self._environ)
        try:
            answer = self._answers.answer(outcome, self._environ)
        except Exception:  # noqa: BLE001 - Flask meets the same error, and logs it
            return None
        status, head, body = answer
        self._counts(status)
        self._count(monotonic() - began)
        return head + request_id_line(self._environ), body if self._with_body else b""

    def _counts(self, status: str) -> None:
        """Have `_count` count requests that are answered with this status."""
        if status != self._status:
            self._count = self._counter(self._environ["REQUEST_METHOD"], status)
            self._status = status


def _environ(request: Request) -> WSGIEnvironment | None:
    """Return what quick paths need to know of a request, None if it is not plain."""
    if request.method not in _READS:
        return None
    environ = {"REQUEST_METHOD": request.method, "PATH_INFO": request.target.decode("latin-1")}
    for name, value in request.fields:
        # Comparing lengths first is cheaper than making every name lower case.
        if len(name) in _LENGTHS:
            lower = name.lower()
            if lower in _BODILY:
                return None
            if key := QUICK_FIELDS.get(lower):
                if key in environ:
                    return None
                environ[key] = value.decode("latin-1")
    return environ
