"""`/api/user/...`: numbers of orders, balance and withdrawals of the person who asks."""

from http import HTTPStatus

from flask import Response, request
from flask_smorest import Blueprint

from order_service.context.routes import answer, keyed_command
from order_service.contexts.loyalty.metrics import MovementMetrics
from order_service.contexts.loyalty.model import Kind, Uploaded
from order_service.contexts.loyalty.spending import Spending
from order_service.contexts.loyalty.uploading import Uploading
from order_service.http.documentation import IDEMPOTENCY_KEY, problems, takes
from order_service.http.persons import person
from order_service.http.query import before_of_request, limit_of_request

from .answers import balance_body, list_answer, number_line, withdrawal_line
from .bodies import LONGEST_PAGE, UNKNOWN_CURSOR, cursor_of, number_of, payment_of, place_of
from .documentation import (
    ENTRY_CURSOR,
    LIMIT,
    LINK,
    NUMBER_CURSOR,
)
from .refusals import refusals
from .schemas import BalanceSchema, PointsPaymentSchema, UploadedNumberSchema, WithdrawalSchema

_TEXT = {
    "required": True,
    "content": {"text/plain": {"schema": {"type": "string"}, "example": "12345678903"}},
}


def create_blueprint(
    uploading: Uploading, spending: Spending, metrics: MovementMetrics
) -> Blueprint:
    """Return the blueprint of the routes for customers of the shop."""
    blueprint = Blueprint("loyalty", __name__, description="Points for orders")
    _add_upload(blueprint, uploading)
    _add_numbers(blueprint, uploading)
    _add_balance(blueprint, spending)
    _add_withdraw(blueprint, spending, metrics)
    _add_withdrawals(blueprint, spending)
    return blueprint


def _add_upload(blueprint: Blueprint, uploading: Uploading) -> None:
    @blueprint.route("/api/user/orders", methods=["POST"])
    @blueprint.response(202, description="The number is new")
    @blueprint.alt_response(200, description="The person had uploaded it before")
    @problems(blueprint, {409: "Somebody else has uploaded it", 422: "It is no number of an order"})
    @blueprint.doc(operationId="uploadNumber", requestBody=_TEXT)
    def upload() -> Response:
        """Upload the number of an order, to get points for it."""
        number = number_of(request)
        with refusals():
            uploaded = uploading.upload(person(), number)
        fresh = uploaded is Uploaded.NOW
        return Response(status=HTTPStatus.ACCEPTED if fresh else HTTPStatus.OK)


def _add_numbers(blueprint: Blueprint, uploading: Uploading) -> None:
    @blueprint.route("/api/user/orders")
    @blueprint.response(
        200, UploadedNumberSchema(many=True), description="Newest first", headers=LINK
    )
    @blueprint.alt_response(204, description="There are none")
    @problems(blueprint, {})
    # Not with the route: that would say it of the POST of this path, too.
    @blueprint.doc(operationId="listNumbers", parameters=[LIMIT, NUMBER_CURSOR])
    def numbers() -> Response:
        """List the numbers that one uploaded, newest first: all, or with `limit` by the page."""
        limit, place = limit_of_request(LONGEST_PAGE, None), place_of(request)
        with refusals():
            if limit is None:
                return list_answer([number_line(each) for each in uploading.all(person())])
            page = uploading.page(person(), limit, place)
        cursor = cursor_of(page.next) if page.next else None
        return list_answer([number_line(each) for each in page.items], cursor)


def _add_balance(blueprint: Blueprint, spending: Spending) -> None:
    @blueprint.route("/api/user/balance")
    @blueprint.response(200, BalanceSchema, description="The points")
    @problems(blueprint, {})
    @blueprint.doc(operationId="getBalance")
    def balance() -> Response:
        """Return the points that one has, and those that one has withdrawn in all."""
        with refusals():
            return answer(balance_body(spending.balance(person())))


def _add_withdraw(blueprint: Blueprint, spending: Spending, metrics: MovementMetrics) -> None:
    @blueprint.route("/api/user/balance/withdraw", methods=["POST"], parameters=[IDEMPOTENCY_KEY])
    @blueprint.response(200, description="The points are withdrawn")
    @problems(
        blueprint,
        {
            402: "There are not enough points",
            409: "The request with this key is being handled",
            422: "It is no number of an order, no amount, or the key came with another request",
        },
    )
    @blueprint.doc(operationId="withdraw", requestBody=takes(PointsPaymentSchema))
    def withdraw() -> Response:
        """Pay for an order with points."""
        order, amount = payment_of(request)
        key = keyed_command("withdraw", order, amount)
        with refusals():
            spending.withdraw(person(), order, amount, key)
        metrics.moved(Kind.WITHDRAWAL)
        return Response(status=HTTPStatus.OK)


def _add_withdrawals(blueprint: Blueprint, spending: Spending) -> None:
    @blueprint.route("/api/user/withdrawals", parameters=[LIMIT, ENTRY_CURSOR])
    @blueprint.response(200, WithdrawalSchema(many=True), description="Newest first", headers=LINK)
    @blueprint.alt_response(204, description="There are none")
    @problems(blueprint, {})
    @blueprint.doc(operationId="listWithdrawals")
    def withdrawals() -> Response:
        """List one's withdrawals, newest first: all, or with `limit` by the page."""
        limit, before = limit_of_request(LONGEST_PAGE, None), before_of_request(UNKNOWN_CURSOR)
        with refusals():
            if limit is None:
                found = spending.withdrawals(person())
                return list_answer([withdrawal_line(each) for each in found])
            page = spending.withdrawal_page(person(), limit, before)
        return list_answer([withdrawal_line(each) for each in page.items], page.next)
