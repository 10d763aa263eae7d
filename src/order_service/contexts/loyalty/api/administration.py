"""`/admin/loyalty/...`: what those who administer the shop do with the points of others."""

from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint

from order_service.context.routes import answer, keyed_command
from order_service.contexts.loyalty.metrics import MovementMetrics
from order_service.contexts.loyalty.model import Kind
from order_service.contexts.loyalty.spending import Spending
from order_service.http.documentation import IDEMPOTENCY_KEY, problems, takes

from .answers import moved_body
from .bodies import booking_of, reversed_by
from .documentation import PERSON
from .refusals import refusals
from .schemas import BookingSchema, MovedSchema, ReversalSchema


def create_blueprint(spending: Spending, metrics: MovementMetrics) -> Blueprint:
    """Return the blueprint of the routes for administrators."""
    blueprint = Blueprint("points-admin", __name__, description="Points of others")
    _add_booking(blueprint, spending, metrics, Kind.CREDIT)
    _add_booking(blueprint, spending, metrics, Kind.DEBIT)
    _add_reversal(blueprint, spending, metrics)
    return blueprint


def _add_booking(
    blueprint: Blueprint, spending: Spending, metrics: MovementMetrics, kind: Kind
) -> None:
    path = f"/admin/loyalty/<uuid:owner>/{kind}s"

    @blueprint.route(
        path, methods=["POST"], endpoint=f"{kind}s", parameters=[PERSON, IDEMPOTENCY_KEY]
    )
    @blueprint.response(200, MovedSchema, description="It is done")
    @problems(
        blueprint,
        {
            402: "There are not enough points",
            409: "The request with this key is being handled",
            422: "It is no amount, or the key came with another request",
        },
    )
    @blueprint.doc(
        operationId=f"{kind}Points",
        summary=f"Book a {kind} on the points of a person",
        requestBody=takes(BookingSchema),
    )
    def book(owner: UUID) -> Response:
        booking = booking_of(request)
        key = keyed_command(kind, owner, *booking)
        with refusals():
            current = spending.book(owner, kind, booking.amount, booking.comment, key)
        metrics.moved(kind)
        return answer(moved_body(owner, current))


def _add_reversal(blueprint: Blueprint, spending: Spending, metrics: MovementMetrics) -> None:
    @blueprint.route(
        "/admin/loyalty/<uuid:owner>/reversals",
        methods=["POST"],
        parameters=[PERSON, IDEMPOTENCY_KEY],
    )
    @blueprint.response(200, MovedSchema, description="It is taken back")
    @problems(
        blueprint,
        {
            402: "What it gave is spent",
            404: "There is no such movement",
            409: "It was taken back before, or took another one back itself, or the request "
            "with this key is being handled",
            422: "The key came with another request",
        },
    )
    @blueprint.doc(operationId="reverseMovement", requestBody=takes(ReversalSchema))
    def reverse(owner: UUID) -> Response:
        """Take a movement back, once."""
        movement = reversed_by(request)
        key = keyed_command(Kind.REVERSAL, owner, movement)
        with refusals():
            current = spending.reverse(owner, movement, key)
        metrics.moved(Kind.REVERSAL)
        return answer(moved_body(owner, current))
