"""A whole response, made without Flask: status line, headers and body."""

from typing import NamedTuple

from .server.answering import head_of

Headers = list[tuple[str, str]]


class Answer(NamedTuple):
    """A response but for its request id; a HEAD request gets it without the body."""

    status: str
    headers: Headers
    body: bytes


ReadyAnswer = tuple[str, bytes, bytes]
"""The same as it is sent: its status, its head up to the last field, its body."""


def ready(answer: Answer) -> ReadyAnswer:
    """Return an answer as it is sent."""
    return answer.status, head_of(answer.status, answer.headers), answer.body
