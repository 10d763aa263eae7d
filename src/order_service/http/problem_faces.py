"""Problems as the clients of one part of the API expect them.

Errors are made in many places: by the door, by the guard, by Flask, by a view. A part whose clients
want members of their own gets them in all of them, by one look at what leaves.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import msgspec

from .answer import Headers
from .problem_document import CONTENT_TYPE

ProblemFace = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Given the members of a problem, returns those that its clients get."""


class ProblemFaces:
    """WSGI middleware that gives the problems of some paths another face.

    Args:
        app: Answers.
        faces: By what their paths begin with.
    """

    def __init__(self, app: WSGIApplication, faces: Mapping[str, ProblemFace]) -> None:
        self._app = app
        self._faces = tuple(faces.items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        path: str = environ["PATH_INFO"]
        for prefix, face in self._faces:
            if path.startswith(prefix):
                return self._faced(face, environ, start_response)
        return self._app(environ, start_response)

    def _faced(
        self, face: ProblemFace, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        begun: list[Any] = []

        def begin(*arguments: Any) -> Callable[[bytes], object]:  # noqa: ANN401 - as WSGI has it
            begun[:] = arguments
            return _no_write

        chunks = self._app(environ, begin)
        status, headers, *exc_info = begun
        body = _body(chunks) if _is_problem(headers) else b""
        if not body:
            start_response(status, headers, *exc_info)
            return chunks
        body = msgspec.json.encode(face(msgspec.json.decode(body)))
        start_response(status, _with_length(headers, len(body)), *exc_info)
        return [body]


def _no_write(_: bytes) -> None:
    raise TypeError("nothing here writes past the iterable (PEP 3333)")


def _is_problem(headers: Sequence[tuple[str, str]]) -> bool:
    return ("Content-Type", CONTENT_TYPE) in headers


def _body(chunks: Iterable[bytes]) -> bytes:
    try:
        return b"".join(chunks)
    finally:
        if close := getattr(chunks, "close", None):
            close()


def _with_length(headers: Sequence[tuple[str, str]], length: int) -> Headers:
    others = [(name, value) for name, value in headers if name != "Content-Length"]
    return [*others, ("Content-Length", str(length))]
