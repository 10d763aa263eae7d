"""The routes of the accrual context and their documentation."""

from http import HTTPStatus

from flask import Response, request
from flask_smorest import Blueprint, abort

from order_service.contexts.accrual.errors import (
    OrderExistsError,
    RuleExistsError,
    StorageUnavailableError,
)
from order_service.contexts.accrual.ports import AccrualStore
from order_service.http.problems import CONTENT_TYPE, ProblemSchema

from .bodies import order_of, rule_of
from .order_route import ORDER_RULE, OutcomeAnswers
from .schemas import OutcomeSchema, RegisteredOrderSchema, RuleSchema

_NUMBER = {
    "in": "path",
    "name": "number",
    "description": "Number of the order",
    "schema": {"type": "string"},
    "example": "12345678903",
}


def create_blueprint(store: AccrualStore, answers: OutcomeAnswers) -> Blueprint:
    """Return the blueprint with `POST /api/goods`, `POST /api/orders` and the question."""
    blueprint = Blueprint("accrual", __name__, description="Points that orders are worth")
    _add_goods(blueprint, store)
    _add_orders(blueprint, store)
    _add_order(blueprint, answers)
    return blueprint


def _taken(schema: object) -> dict[str, object]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _add_goods(blueprint: Blueprint, store: AccrualStore) -> None:
    @blueprint.route("/api/goods", methods=["POST"])
    @blueprint.response(200, description="The rule is registered")
    @blueprint.alt_response(400, "Malformed")
    @blueprint.alt_response(401, "Unauthorized")
    @blueprint.alt_response(403, "Forbidden")
    @blueprint.alt_response(
        409, schema=ProblemSchema, content_type=CONTENT_TYPE, description="The match is taken"
    )
    @blueprint.alt_response(503, "Unavailable")
    @blueprint.doc(operationId="registerRule", requestBody=_taken(RuleSchema))
    def goods() -> Response:
        """Register which goods are rewarded, and how.

        Goods whose description holds `match`, whatever its case, are worth `reward` percent of
        their price or `reward` points. Where several rules fit, all of them count. A rule counts
        for orders that are calculated after its registration.
        """
        rule = rule_of(request)
        try:
            store.add_rule(rule)
        except RuleExistsError as error:
            abort(HTTPStatus.CONFLICT, message="There is a rule with this match.", exc=error)
        except StorageUnavailableError as error:
            _unavailable(error)
        return Response(status=HTTPStatus.OK)


def _add_orders(blueprint: Blueprint, store: AccrualStore) -> None:
    @blueprint.route("/api/orders", methods=["POST"])
    @blueprint.response(202, description="The order is registered and will be calculated")
    @blueprint.alt_response(400, "Malformed")
    @blueprint.alt_response(401, "Unauthorized")
    @blueprint.alt_response(403, "Forbidden")
    @blueprint.alt_response(
        409, schema=ProblemSchema, content_type=CONTENT_TYPE, description="It is registered already"
    )
    @blueprint.alt_response(503, "Unavailable")
    @blueprint.doc(operationId="registerOrder", requestBody=_taken(RegisteredOrderSchema))
    def orders() -> Response:
        """Register an order for calculation."""
        order = order_of(request)
        try:
            store.add_order(order)
        except OrderExistsError as error:
            abort(HTTPStatus.CONFLICT, message="This order is registered already.", exc=error)
        except StorageUnavailableError as error:
            _unavailable(error)
        return Response(status=HTTPStatus.ACCEPTED)


def _unavailable(error: StorageUnavailableError) -> None:
    abort(
        HTTPStatus.SERVICE_UNAVAILABLE,
        message="The database cannot be asked now.",
        headers={"Retry-After": "1"},
        exc=error,
    )


def _add_order(blueprint: Blueprint, answers: OutcomeAnswers) -> None:
    @blueprint.route(ORDER_RULE, parameters=[_NUMBER])
    @blueprint.response(200, OutcomeSchema, description="How far it is")
    @blueprint.alt_response(204, description="No such order is registered")
    @blueprint.alt_response(401, "Unauthorized")
    @blueprint.alt_response(403, "Forbidden")
    @blueprint.alt_response(429, "TooManyRequests")
    @blueprint.alt_response(503, "Unavailable")
    @blueprint.doc(operationId="getOutcome")
    def order(number: str) -> Response:
        """Return how far the calculation of an order is, and its points."""
        answer = answers.of(number, request.environ)
        return Response(answer.body, answer.status, answer.headers)
