"""A whole response, made without Flask: status line, headers and body."""

from typing import NamedTuple

Headers = list[tuple[str, str]]


class Answer(NamedTuple):
    """A response but for its request id; a HEAD request gets it without the body."""

    status: str
    headers: Headers
    body: bytes
