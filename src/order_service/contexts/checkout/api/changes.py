"""`/purchases/<id>/...`: cancel a purchase, have it refunded, have its payment asked for again."""

import contextlib
from collections.abc import Iterator
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from order_service.context.routes import keyed_command
from order_service.contexts.checkout.purchasing import Purchasing
from order_service.http.documentation import IDEMPOTENCY_KEY, problems
from order_service.http.persons import person

from .answers import changed_answer, refusals
from .bodies import traceparent_of_request
from .schemas import LOCATION, PURCHASE, PurchaseSchema

_UNKNOWN = "There is no such purchase of this person"
_OTHER = "The key came before, with another request"


def create_blueprint(purchasing: Purchasing) -> Blueprint:
    """Return the blueprint of what can be done about a purchase."""
    blueprint = Blueprint("purchase-changes", __name__, description="Changes of purchases")
    _add_cancellation(blueprint, purchasing)
    _add_refund(blueprint, purchasing)
    _add_retry(blueprint, purchasing)
    return blueprint


def _add_cancellation(blueprint: Blueprint, purchasing: Purchasing) -> None:
    @blueprint.route(
        "/purchases/<uuid:purchase>/cancellation",
        methods=["POST"],
        parameters=[PURCHASE, IDEMPOTENCY_KEY],
    )
    @blueprint.response(200, PurchaseSchema, description="It is cancelled", headers=LOCATION)
    @blueprint.alt_response(
        202,
        schema=PurchaseSchema,
        description="It is cancelled; what may have been taken is given back within moments",
        headers=LOCATION,
    )
    @problems(blueprint, {404: _UNKNOWN, 409: "It is not pending any more", 422: _OTHER})
    @blueprint.doc(operationId="cancelPurchase")
    def cancel(purchase: UUID) -> Response:
        """Cancel a purchase that is pending. It is safe to ask again."""
        with _asked(purchasing, "cancel", purchase) as owner:
            return changed_answer(purchasing.cancel(owner, purchase, traceparent_of_request()))


def _add_refund(blueprint: Blueprint, purchasing: Purchasing) -> None:
    @blueprint.route(
        "/purchases/<uuid:purchase>/refund",
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
            409: "It is not paid for, or the days for returning it are over",
            422: _OTHER,
        },
    )
    @blueprint.doc(operationId="refundPurchase")
    def refund(purchase: UUID) -> Response:
        """Return a purchase that is paid for and get the money back, once.

        It is safe to ask again.
        """
        with _asked(purchasing, "refund", purchase) as owner:
            return changed_answer(purchasing.refund(owner, purchase, traceparent_of_request()))


def _add_retry(blueprint: Blueprint, purchasing: Purchasing) -> None:
    @blueprint.route(
        "/purchases/<uuid:purchase>/retry",
        methods=["POST"],
        parameters=[PURCHASE, IDEMPOTENCY_KEY],
    )
    @blueprint.response(202, PurchaseSchema, description="It is asked again", headers=LOCATION)
    @problems(blueprint, {404: _UNKNOWN, 409: "It waits for no answer", 422: _OTHER})
    @blueprint.doc(operationId="retryPurchase")
    def retry(purchase: UUID) -> Response:
        """Have payments asked again about a purchase that has waited for long.

        It is paid for at most once, however often it is asked for; more often than once a second
        it is not asked.
        """
        with _asked(purchasing, "ask again", purchase) as owner:
            return changed_answer(purchasing.ask_again(owner, purchase))


@contextlib.contextmanager
def _asked(purchasing: Purchasing, operation: str, purchase: UUID) -> Iterator[UUID]:
    """Yield who asks; what the block raises becomes the answer.

    A change that is asked for again changes nothing more, with a key or without one: the answer
    tells how the purchase stands by then.
    """
    owner, key = person(), keyed_command(operation, purchase)
    with refusals():
        if key:
            purchasing.claim_key(key)
        yield owner
