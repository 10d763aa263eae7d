"""The routes of the accrual context and their documentation."""

from functools import partial
from http import HTTPStatus

from flask import Response, request
from flask_smorest import Blueprint

from order_service.context.routes import refusing
from order_service.contexts.accrual.errors import (
    OrderExistsError,
    RuleExistsError,
    StorageUnavailableError,
)
from order_service.contexts.accrual.ports import AccrualStore
from order_service.http.documentation import TEXT, parameter, problems, takes

from .bodies import order_of, rule_of
from .order_route import ORDER_RULE, OutcomeAnswers
from .schemas import OutcomeSchema, RegisteredOrderSchema, RuleSchema

_NUMBER = parameter("path", "number", "Number of the order", TEXT, "12345678903")

_refusals = partial(
    refusing,
    {
        RuleExistsError: (HTTPStatus.CONFLICT, "There is a rule with this match."),
        OrderExistsError: (HTTPStatus.CONFLICT, "This order is registered already."),
        StorageUnavailableError: (
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database cannot be asked now.",
        ),
    },
)


def create_blueprint(store: AccrualStore, answers: OutcomeAnswers) -> Blueprint:
    """Return the blueprint with `POST /api/goods`, `POST /api/orders` and the question."""
    blueprint = Blueprint("accrual", __name__, description="Points that orders are worth")
    _add_goods(blueprint, store)
    _add_orders(blueprint, store)
    _add_order(blueprint, answers)
    return blueprint


def _add_goods(blueprint: Blueprint, store: AccrualStore) -> None:
    @blueprint.route("/api/goods", methods=["POST"])
    @blueprint.response(200, description="The rule is registered")
    @problems(blueprint, {409: "The match is taken"})
    @blueprint.doc(operationId="registerRule", requestBody=takes(RuleSchema))
    def goods() -> Response:
        """Register which goods are rewarded, and how.

        Goods whose description holds `match`, whatever its case, are worth `reward` percent of
        their price or `reward` points. Where several rules fit, all of them count. A rule counts
        for orders that are calculated after its registration.
        """
        rule = rule_of(request)
        with _refusals():
            store.add_rule(rule)
        return Response(status=HTTPStatus.OK)


def _add_orders(blueprint: Blueprint, store: AccrualStore) -> None:
    @blueprint.route("/api/orders", methods=["POST"])
    @blueprint.response(202, description="The order is registered and will be calculated")
    @problems(blueprint, {409: "It is registered already"})
    @blueprint.doc(operationId="registerOrder", requestBody=takes(RegisteredOrderSchema))
    def orders() -> Response:
        """Register an order for calculation."""
        order = order_of(request)
        with _refusals():
            store.add_order(order)
        return Response(status=HTTPStatus.ACCEPTED)


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
