"""`/admin/purchases/...`: what those who administer the shop do with purchases of others."""

from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from order_service.context.routes import answer, keyed_command
from order_service.contexts.checkout.purchasing import Purchasing
from order_service.http.documentation import IDEMPOTENCY_KEY, problems

from .answers import changed_answer, purchase_body, refusals
from .bodies import traceparent_of_request
from .schemas import LOCATION, PURCHASE, PurchaseSchema

_UNKNOWN = "There is no such purchase"


def create_blueprint(purchasing: Purchasing) -> Blueprint:
    """Return the blueprint of the routes for administrators."""
    blueprint = Blueprint("purchases-admin", __name__, description="Purchases of others")

    @blueprint.route("/admin/purchases/<uuid:purchase>", parameters=[PURCHASE])
    @blueprint.response(200, PurchaseSchema, description="The purchase")
    @problems(blueprint, {404: _UNKNOWN})
    @blueprint.doc(operationId="getPurchaseOfAnybody")
    def find(purchase: UUID) -> Response:
        """Return a purchase of anybody."""
        with refusals():
            return answer(purchase_body(purchasing.find(None, purchase)))

    @blueprint.route(
        "/admin/purchases/<uuid:purchase>/refund",
        methods=["POST"],
        parameters=[PURCHASE, IDEMPOTENCY_KEY],
    )
    @blueprint.response(200, PurchaseSchema, description="The money is back", headers=LOCATION)
    @blueprint.alt_response(
        202, schema=PurchaseSchema, description="The money is on its way", headers=LOCATION
    )
    @problems(
        blueprint,
        {
            404: _UNKNOWN,
            409: "It is not paid for",
            422: "The key came before, with another request",
        },
    )
    @blueprint.doc(operationId="refundPurchaseOfAnybody")
    def refund(purchase: UUID) -> Response:
        """Give back the money of a purchase of anybody, once, however old it is."""
        key = keyed_command("refund", purchase)
        with refusals():
            if key:
                purchasing.claim_key(key)
            return changed_answer(
                purchasing.refund(None, purchase, traceparent_of_request(), at_any_time=True)
            )

    return blueprint
