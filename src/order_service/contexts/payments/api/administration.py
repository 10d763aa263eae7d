"""`/admin/wallets/...`: what those who administer the shop see of the wallets of others."""

from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from order_service.context.routes import answer
from order_service.contexts.payments.wallets import Wallets
from order_service.http.documentation import problems

from .answers import entries_answer, refusals, wallet_body
from .schemas import CURSOR, LIMIT, OWNER, EntryPageSchema, WalletSchema

_NO_WALLET = {404: "This person has no wallet"}


def create_blueprint(wallets: Wallets) -> Blueprint:
    """Return the blueprint of the routes for administrators."""
    blueprint = Blueprint("wallets-admin", __name__, description="Wallets of others")

    @blueprint.route("/admin/wallets/<uuid:owner>", parameters=[OWNER])
    @blueprint.response(200, WalletSchema, description="The wallet")
    @problems(blueprint, _NO_WALLET)
    @blueprint.doc(operationId="getWalletOf")
    def wallet(owner: UUID) -> Response:
        """Return the wallet of a person."""
        with refusals():
            return answer(wallet_body(wallets.find(owner)))

    @blueprint.route("/admin/wallets/<uuid:owner>/entries", parameters=[OWNER, LIMIT, CURSOR])
    @blueprint.response(200, EntryPageSchema, description="One page, newest first")
    @problems(blueprint, _NO_WALLET)
    @blueprint.doc(operationId="listWalletEntriesOf")
    def entries(owner: UUID) -> Response:
        """List what moved in the wallet of a person, newest first."""
        return entries_answer(wallets, owner)

    return blueprint
