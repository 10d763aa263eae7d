"""The body of a request as its view wants it: decompressed, bounded, decoded."""

import zlib
from http import HTTPStatus
from typing import NoReturn, TypeVar

import msgspec
from flask import Request
from flask_smorest import abort

T = TypeVar("T")

MAX_BODY = 64 * 1024
"""Most bytes of a body once it is decompressed: gzip can make it a thousand times larger."""

_GZIP = 16 + zlib.MAX_WBITS


def body_of(request: Request, most: int = MAX_BODY) -> bytes:
    """Return the body, decompressed if it is gzip.

    Raises:
        HTTPException: 400 if it is no gzip although it says so, 413 if it is larger than `most`
            bytes, 415 if it has another coding.
    """
    # Also where no length is told: Flask then reads no further.
    request.max_content_length = most
    data = request.get_data(cache=False)
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding == "gzip":
        data = _gunzipped(data, most)
    elif coding not in {"identity", ""}:
        abort(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            message="The body may be as it is, or gzip.",
            headers={"Accept-Encoding": "gzip"},
        )
    if len(data) > most:
        abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message="The body is too large.")
    return data


def _gunzipped(data: bytes, most: int) -> bytes:
    """Return what comes out, one byte more than `most` at most."""
    inflater = zlib.decompressobj(_GZIP)
    try:
        found = inflater.decompress(data, most + 1)
    except zlib.error:
        malformed("The body is no gzip.")
    if len(found) <= most and (not inflater.eof or inflater.unused_data):
        malformed("The body is no whole gzip.")
    return found


def json_of(request: Request, decoder: msgspec.json.Decoder[T], most: int = MAX_BODY) -> T:
    """Return the body as `decoder` reads it.

    Raises:
        HTTPException: As for `body_of`; 400 if it is no JSON, is not of the decoder's shape, or
            says that it is of another type.
    """
    if not request.is_json:
        malformed("The body must be JSON, with the content type application/json.")
    try:
        return decoder.decode(body_of(request, most))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        malformed(f"The body cannot be taken: {error}")


def malformed(detail: str) -> NoReturn:
    """End the request with 400."""
    abort(HTTPStatus.BAD_REQUEST, message=detail, errors={})
    raise AssertionError  # abort does not return


def invalid(
    place: str, name: str, problem: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
) -> NoReturn:
    """End the request, as something in it breaks a rule.

    Args:
        place: ``json`` or ``query``.
        name: Of the member or parameter.
        problem: What is wrong with it: goes on where the name ends.
        status: Of the answer.
    """
    abort(status, message=f"{name} {problem}.", errors={place: {name: [problem]}})
    raise AssertionError  # abort does not return
