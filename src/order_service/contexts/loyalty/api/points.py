"""`/loyalty`: points as such, for their owners and for those who administer the shop."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint, abort

from order_service.context.routes import answer, keyed_command
from order_service.contexts.loyalty.metrics import MovementMetrics
from order_service.contexts.loyalty.model import Kind
from order_service.contexts.loyalty.spending import Spending
from order_service.http.documentation import IDEMPOTENCY_KEY, problems, takes
from order_service.http.persons import id_of, principal
from order_service.http.query import before_of_request, limit_of_request

from .answers import history_line, list_answer, moved_body, person_body
from .bodies import LONGEST_PAGE, UNKNOWN_CURSOR, Operation, operation_of
from .documentation import ENTRY_CURSOR, LIMIT, LINK, PERSON
from .refusals import refusals
from .schemas import HistoryEntrySchema, MovedSchema, OperationSchema, PersonsPointsSchema

_USUAL_PAGE = 100


def create_blueprint(spending: Spending, metrics: MovementMetrics) -> Blueprint:
    """Return the blueprint of the routes about points."""
    blueprint = Blueprint("points", __name__, description="Points and their movements")
    _add_operation(blueprint, spending, metrics)
    _add_points(blueprint, spending)
    _add_entries(blueprint, spending)
    return blueprint


def _add_operation(blueprint: Blueprint, spending: Spending, metrics: MovementMetrics) -> None:
    @blueprint.route("/loyalty", methods=["POST"], parameters=[IDEMPOTENCY_KEY])
    @blueprint.response(200, MovedSchema, description="It is done")
    @problems(
        blueprint,
        {
            402: "There are not enough points",
            409: "The request with this key is being handled",
            422: "It is no amount, or the key came with another request",
        },
    )
    @blueprint.doc(operationId="movePoints", requestBody=takes(OperationSchema))
    def move() -> Response:
        """Withdraw one's own points; administrators also withdraw and deposit those of others."""
        operation = operation_of(request)
        owner, kind = _permitted(operation)
        key = keyed_command("move", owner, *operation)
        with refusals():
            current = spending.book(owner, kind, operation.amount, operation.comment, key)
        metrics.moved(kind)
        return answer(moved_body(owner, current))


def _permitted(operation: Operation) -> tuple[UUID, Kind]:
    """Return whose points are moved and why, if who asks may do that."""
    asking = principal()
    owner = operation.owner or id_of(asking)
    if operation.withdraws and owner == id_of(asking):
        return owner, Kind.SPENDING
    if not asking.admin:
        abort(HTTPStatus.FORBIDDEN, message="Only one's own points can be withdrawn.")
    return owner, Kind.DEBIT if operation.withdraws else Kind.CREDIT


def _may_see(owner: UUID) -> UUID:
    """Return `owner` if who asks may see their points."""
    asking = principal()
    if not asking.admin and owner != id_of(asking):
        abort(HTTPStatus.FORBIDDEN, message="Only one's own points can be seen.")
    return owner


def _add_points(blueprint: Blueprint, spending: Spending) -> None:
    @blueprint.route("/loyalty/<uuid:owner>", parameters=[PERSON])
    @blueprint.response(200, PersonsPointsSchema, description="The points")
    @problems(blueprint, {})
    @blueprint.doc(operationId="getPoints")
    def points(owner: UUID) -> Response:
        """Return the points of a person: one's own, or anybody's for administrators."""
        _may_see(owner)
        with refusals():
            body = person_body(owner, spending.balance(owner), spending.next_expiry(owner))
        return answer(body)


def _add_entries(blueprint: Blueprint, spending: Spending) -> None:
    @blueprint.route("/loyalty/<uuid:owner>/entries", parameters=[PERSON, LIMIT, ENTRY_CURSOR])
    @blueprint.response(
        200, HistoryEntrySchema(many=True), description="Newest first", headers=LINK
    )
    @blueprint.alt_response(204, description="There are none")
    @problems(blueprint, {})
    @blueprint.doc(operationId="listMovements")
    def entries(owner: UUID) -> Response:
        """List how points came and went, newest first, by the page."""
        _may_see(owner)
        limit, before = (
            limit_of_request(LONGEST_PAGE, _USUAL_PAGE),
            before_of_request(UNKNOWN_CURSOR),
        )
        with refusals():
            page = spending.history_page(owner, limit, before)
        return list_answer([history_line(each) for each in page.items], page.next)
