"""Compresses lists for clients that take it; a single order is too short to gain from it."""

import gzip

from flask import Response, request

LEAST = 1024
"""Bytes below which compressing costs more than it saves: the answer fits one packet anyway."""

# Lists repeat their field names: the fastest level already takes most of what there is to take.
_LEVEL = 1


def compress(response: Response) -> Response:
    """Return `response`, compressed with gzip if the client takes it and it is worth it.

    Says that the answer varies by Accept-Encoding, whether or not this one is compressed.
    """
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) >= LEAST and request.accept_encodings.quality("gzip") > 0:
        # No time in the header: the same list is the same bytes.
        response.set_data(gzip.compress(body, _LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
