"""`/purchases`: buy, and see what one bought."""

from http import HTTPStatus
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from order_service.context.routes import answer, keyed_command
from order_service.contexts.checkout.metrics import PurchaseMetrics
from order_service.contexts.checkout.model import Status
from order_service.contexts.checkout.purchasing import Purchasing
from order_service.http.documentation import IDEMPOTENCY_KEY, problems, takes
from order_service.http.persons import person
from order_service.http.query import limit_of_request

from .answers import page_body, purchase_body, refusals
from .bodies import before_of_request, traceparent_of_request, wish_of_request
from .schemas import (
    CURSOR,
    LIMIT,
    LOCATION,
    PURCHASE,
    AcceptedSchema,
    PurchasePageSchema,
    PurchaseSchema,
    WishSchema,
)

_LONGEST_PAGE = 100
_USUAL_PAGE = 20


def create_blueprint(
    purchasing: Purchasing, metrics: PurchaseMetrics, max_amount: int
) -> Blueprint:
    """Return the blueprint of buying and looking."""
    blueprint = Blueprint("purchases", __name__, description="One's own purchases")
    _add_buying(blueprint, purchasing, metrics, max_amount)
    _add_purchase(blueprint, purchasing)
    _add_list(blueprint, purchasing)
    return blueprint


def _add_buying(
    blueprint: Blueprint, purchasing: Purchasing, metrics: PurchaseMetrics, max_amount: int
) -> None:
    @blueprint.route("/purchases", methods=["POST"], parameters=[IDEMPOTENCY_KEY])
    @blueprint.response(202, AcceptedSchema, description="It is accepted", headers=LOCATION)
    @problems(
        blueprint,
        {
            409: "The request with this key is being handled",
            422: "Price or quantity is none, or the key came with another request",
        },
    )
    @blueprint.doc(operationId="buy", requestBody=takes(WishSchema))
    def buy() -> Response:
        """Buy something; it is paid for from one's wallet within moments.

        The answer comes before the payment: `GET` what `Location` says, or its `/events`, tells
        what became of it.
        """
        owner, wish = person(), wish_of_request(max_amount)
        key = keyed_command("buy", *wish.goods, wish.delivery)
        with refusals():
            purchase, new = purchasing.buy(owner, *wish, key, traceparent_of_request())
        if new:
            metrics.accepted()
        body = {"id": purchase, "status": Status.PENDING}
        response = answer(body, HTTPStatus.ACCEPTED)
        response.headers["Location"] = f"/purchases/{purchase}"
        return response


def _add_purchase(blueprint: Blueprint, purchasing: Purchasing) -> None:
    @blueprint.route("/purchases/<uuid:purchase>", parameters=[PURCHASE])
    @blueprint.response(200, PurchaseSchema, description="The purchase")
    @problems(blueprint, {404: "There is no such purchase of this person"})
    @blueprint.doc(operationId="getPurchase")
    def find(purchase: UUID) -> Response:
        """Return one of one's purchases."""
        owner = person()
        with refusals():
            return answer(purchase_body(purchasing.find(owner, purchase)))


def _add_list(blueprint: Blueprint, purchasing: Purchasing) -> None:
    @blueprint.route("/purchases", parameters=[LIMIT, CURSOR])
    @blueprint.response(200, PurchasePageSchema, description="One page, newest first")
    @problems(blueprint, {})
    @blueprint.doc(operationId="listPurchases")
    def purchases() -> Response:
        """List one's purchases, newest first."""
        owner, limit = person(), limit_of_request(_LONGEST_PAGE, _USUAL_PAGE)
        before = before_of_request()
        with refusals():
            return answer(page_body(purchasing.page(owner, limit, before)))
