"""`/purchases/<id>/events`: the status of a purchase as server-sent events.

A stream takes a thread of the server as long as it lasts, and there are few. So only some streams
stay open (two a server process), each for half a minute at the most. Whoever
finds no place gets the status at once and the advice to come again in a second: for a browser's
EventSource, which does that by itself, the difference is a delay.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from uuid import UUID

import msgspec
from flask import Response, request
from flask_smorest import Blueprint

from order_service.contexts.checkout.model import Purchase
from order_service.contexts.checkout.purchasing import Purchasing
from order_service.contexts.checkout.watching import Watching
from order_service.http.documentation import problems
from order_service.http.persons import person

from .answers import purchase_body, refusals
from .schemas import LAST_EVENT_ID, PURCHASE

_EVENT_STREAM = "text/event-stream"
_RETRY_MS = 1000
_HEARTBEAT = b": still here\n\n"

_EXAMPLE = (
    f"retry: {_RETRY_MS}\n\n"
    'id: pending\nevent: status\ndata: {"id":"0193667b-...","status":"pending",...}\n\n'
    'id: approved\nevent: status\ndata: {"id":"0193667b-...","status":"approved",...}\n\n'
)

_CONTENT = {_EVENT_STREAM: {"schema": {"type": "string"}, "example": _EXAMPLE}}


def create_blueprint(purchasing: Purchasing, watching: Watching) -> Blueprint:
    """Return the blueprint of the stream."""
    blueprint = Blueprint("purchase-events", __name__, description="Purchases while they change")

    @blueprint.route("/purchases/<uuid:purchase>/events", parameters=[PURCHASE, LAST_EVENT_ID])
    @blueprint.response(
        200,
        description="Events `status`, each with the whole purchase. The stream ends with a status "
        "that is final, or after half a minute; then come again after `retry`",
    )
    @blueprint.alt_response(
        204, description="`Last-Event-ID` is the status it has, and that is final: come no more"
    )
    @problems(blueprint, {404: "There is no such purchase of this person"})
    @blueprint.doc(operationId="watchPurchase", responses={"200": {"content": _CONTENT}})
    def events(purchase: UUID) -> Response:
        """Follow a purchase: an event for the status it has, and one for each it gets."""
        owner = person()
        with refusals():
            found = purchasing.find(owner, purchase)
        if found.status.final and request.headers.get("Last-Event-ID") == found.status:
            return Response(status=HTTPStatus.NO_CONTENT)
        stream = _Stream(purchasing, watching, found)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Response(stream, content_type=_EVENT_STREAM, headers=headers)

    return blueprint


class _Stream:
    """The body of an answer: its place is given back when it ends, or when the client has gone."""

    def __init__(self, purchasing: Purchasing, watching: Watching, first: Purchase) -> None:
        self._exits = ExitStack()
        self._open = self._exits.enter_context(watching.place())
        self._first = first
        self._news = watching.follow(first, lambda: purchasing.find(first.owner, first.id))
        self._events = self._all()

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def _all(self) -> Iterator[bytes]:
        with self._exits:
            yield f"retry: {_RETRY_MS}\n\n".encode()
            if not self._open:
                yield _event(self._first)
                return
            for purchase in self._news:
                yield _HEARTBEAT if purchase is None else _event(purchase)

    def close(self) -> None:
        """Give the place back; called by the server in any case."""
        self._exits.close()


def _event(purchase: Purchase) -> bytes:
    data = msgspec.json.encode(purchase_body(purchase))
    return b"id: %b\nevent: status\ndata: %b\n\n" % (purchase.status.encode(), data)
