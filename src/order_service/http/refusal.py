"""How middleware in front of Flask says no: a problem document, counted like any other answer."""

from collections.abc import Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIEnvironment

from .answer import Headers
from .headers import REQUEST_ID
from .metering import HttpMeter, count_refusal
from .problems import problem_answer
from .request_id import request_id_of


def refuse(  # noqa: PLR0913, PLR0917 - what WSGI hands over, and the answer
    environ: WSGIEnvironment,
    start_response: StartResponse,
    meter: HttpMeter,
    status: HTTPStatus,
    detail: str,
    headers: Headers | None = None,
) -> Iterable[bytes]:
    """Answer with a problem and count it; return the body."""
    answer = problem_answer(environ, status, detail, headers)
    start_response(answer.status, [*answer.headers, (REQUEST_ID, request_id_of(environ))])
    count_refusal(meter, environ, status)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]
