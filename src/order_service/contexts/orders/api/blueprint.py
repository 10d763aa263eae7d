"""The routes of the orders context and their documentation."""

from typing import Any

import msgspec
from flask import Response, request
from flask_smorest import Blueprint, abort

from order_service.contexts.orders.errors import InvalidCursorError, StorageUnavailableError
from order_service.contexts.orders.lookup import Page
from order_service.contexts.orders.model import UID_PATTERN
from order_service.contexts.orders.ports import OrderFilter
from order_service.contexts.orders.schema import OrderSchema
from order_service.http.authentication import principal_of
from order_service.http.compression import compress
from order_service.http.documentation import TEXT, parameter, problems
from order_service.http.headers import CACHE, REQUEST_ID, RETRY_AFTER

from .order_route import ASK_AGAIN, ORDER_RULE, OrderAnswers, is_uid
from .ownership import limited_to
from .ports import OrderLookup
from .schemas import OrderPageSchema, OrdersQuery

_UID = parameter(
    "path",
    "order_uid",
    "The order's id",
    {"type": "string", "pattern": UID_PATTERN.replace(r"\Z", "$")},
    "b563feb7b2b84b6test",
)
_IF_NONE_MATCH = parameter(
    "header",
    "If-None-Match",
    "`ETag` of the order that the client has; 304 if it is still the newest",
    TEXT,
    '"8b8e3c1f0a2d4e5f60718293a4b5c6d7"',
)
_STRING = {"type": "string"}
_X_CACHE = {
    "description": "Where the order was found: in the process, in Redis or in the database",
    "schema": {"type": "string", "enum": ["local", "hit", "miss"]},
}
_HEADERS = {
    "Cache-Control": {
        "description": "Who may keep the answer: an order is `private, no-cache` (the client "
        "itself, if it asks with `If-None-Match` before each use), all else `no-store`",
        "schema": _STRING,
    },
    REQUEST_ID: REQUEST_ID,
}
_ORDER_HEADERS = {
    **_HEADERS,
    "ETag": {
        "description": "Changes with the order's content, and only with it",
        "schema": {"type": "string", "example": '"8b8e3c1f0a2d4e5f60718293a4b5c6d7"'},
    },
    CACHE: _X_CACHE,
}


def create_blueprint(lookup: OrderLookup, answers: OrderAnswers) -> Blueprint:
    """Return the blueprint with `GET /order/<order_uid>` and `GET /orders`."""
    blueprint = Blueprint("orders", __name__, description="Orders")
    _add_order(blueprint, answers)
    _add_orders(blueprint, lookup)
    return blueprint


def _add_order(blueprint: Blueprint, answers: OrderAnswers) -> None:
    @blueprint.route(ORDER_RULE, parameters=[_UID, _IF_NONE_MATCH])
    @blueprint.response(200, OrderSchema, description="The order", headers=_ORDER_HEADERS)
    @blueprint.alt_response(304, description="The client has the newest", headers=_ORDER_HEADERS)
    @problems(blueprint, {})
    @blueprint.alt_response(404, "NotFound")
    @blueprint.alt_response(429, "TooManyRequests")
    @blueprint.doc(operationId="getOrder")
    def order(order_uid: str) -> Response:
        """Return one order.

        HEAD is answered too, with the same headers and no body.
        """
        if is_uid(order_uid) is None:
            abort(400, message="This is no order id.", errors=_NO_UID)
        answer = answers.of(order_uid, request.environ)
        return Response(answer.body, answer.status, answer.headers)


_NO_UID = {"path": {"order_uid": ["Must be 1 to 64 of letters, digits and -_.: only."]}}


def _add_orders(blueprint: Blueprint, lookup: OrderLookup) -> None:
    @blueprint.route("/orders")
    @blueprint.arguments(OrdersQuery, location="query", unknown=None, error_status_code=400)
    @blueprint.response(
        200, OrderPageSchema, description="One page of orders", headers=_LIST_HEADER_DOCS
    )
    @problems(blueprint, {})
    @blueprint.alt_response(429, "TooManyRequests")
    @blueprint.doc(operationId="listOrders")
    def orders(wanted: dict[str, Any]) -> Response:
        """List orders, newest first.

        The list is ordered by `date_created` and, among equals, by `order_uid`, both descending;
        orders that arrive meanwhile move nothing on the pages behind a cursor. All filters that
        are given must hold. Lists of a kilobyte and more are compressed for clients that take
        gzip. A customer sees orders of their own alone.
        """
        principal = principal_of(request.environ)
        page = _search(lookup, wanted | limited_to(principal))
        lines = [summary._asdict() for summary in page.orders]
        body = msgspec.json.encode({"orders": lines, "next_cursor": page.next_cursor})
        return compress(Response(body, headers=_LIST_HEADERS))


_LIST_HEADER_DOCS = {
    **_HEADERS,
    "Vary": {"description": "`Accept-Encoding`: the list may be compressed", "schema": _STRING},
}
_LIST_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}


def _search(lookup: OrderLookup, wanted: dict[str, Any]) -> Page:
    limit, cursor = wanted.pop("limit"), wanted.pop("cursor", None)
    try:
        return lookup.search(OrderFilter(**wanted), limit, cursor)
    except InvalidCursorError as error:
        errors = {"query": {"cursor": ["Is not a `next_cursor` of this service."]}}
        abort(400, message="The cursor is not valid.", errors=errors, exc=error)
    except StorageUnavailableError as error:
        headers = {RETRY_AFTER: ASK_AGAIN}
        abort(503, message="The database cannot be asked now.", headers=headers, exc=error)
