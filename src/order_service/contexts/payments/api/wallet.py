"""`/wallet`: one's own wallet."""

from http import HTTPStatus

from flask import Response
from flask_smorest import Blueprint

from order_service.context.routes import answer, keyed_command
from order_service.contexts.payments.metrics import WalletMetrics
from order_service.contexts.payments.wallets import Wallets
from order_service.http.documentation import IDEMPOTENCY_KEY, problems, takes
from order_service.http.persons import person

from .answers import (
    amount_of_request,
    entries_answer,
    refusals,
    wallet_body,
)
from .schemas import (
    CURSOR,
    LIMIT,
    DepositRequestSchema,
    DepositSchema,
    EntryPageSchema,
    WalletSchema,
)

_NO_WALLET = "There is no wallet"
_LOCATION = {
    "Location": {
        "description": "Where the wallet is",
        "schema": {"type": "string", "example": "/wallet"},
    }
}


def create_blueprint(wallets: Wallets, metrics: WalletMetrics, max_amount: int) -> Blueprint:
    """Return the blueprint of the routes about one's own wallet."""
    blueprint = Blueprint("wallet", __name__, description="One's own wallet")
    _add_opening(blueprint, wallets, metrics)
    _add_wallet(blueprint, wallets)
    _add_deposit(blueprint, wallets, metrics, max_amount)
    _add_entries(blueprint, wallets)
    return blueprint


def _add_opening(blueprint: Blueprint, wallets: Wallets, metrics: WalletMetrics) -> None:
    @blueprint.route("/wallet", methods=["POST"])
    @blueprint.response(200, WalletSchema, description="It was open already", headers=_LOCATION)
    @blueprint.alt_response(201, schema=WalletSchema, description="It is new", headers=_LOCATION)
    @problems(blueprint, {})
    @blueprint.doc(operationId="openWallet")
    def open_wallet() -> Response:
        """Open one's wallet; asked again, it is the same one."""
        owner = person()
        with refusals():
            wallet, new = wallets.open(owner)
        if new:
            metrics.opened()
        response = answer(wallet_body(wallet), HTTPStatus.CREATED if new else HTTPStatus.OK)
        response.headers["Location"] = "/wallet"
        return response


def _add_wallet(blueprint: Blueprint, wallets: Wallets) -> None:
    @blueprint.route("/wallet")
    @blueprint.response(200, WalletSchema, description="The wallet")
    @problems(blueprint, {404: _NO_WALLET})
    @blueprint.doc(operationId="getWallet")
    def wallet() -> Response:
        """Return one's wallet and what is in it."""
        owner = person()
        with refusals():
            return answer(wallet_body(wallets.find(owner)))


def _add_deposit(
    blueprint: Blueprint, wallets: Wallets, metrics: WalletMetrics, max_amount: int
) -> None:
    @blueprint.route("/wallet/deposits", methods=["POST"], parameters=[IDEMPOTENCY_KEY])
    @blueprint.response(200, DepositSchema, description="The money is there")
    @problems(
        blueprint,
        {
            404: _NO_WALLET,
            409: "The request with this key is being handled",
            422: "It is no amount, it is too large, or the key came with another request",
        },
    )
    @blueprint.doc(operationId="deposit", requestBody=takes(DepositRequestSchema))
    def deposit() -> Response:
        """Put money into one's wallet."""
        owner, amount = person(), amount_of_request(max_amount)
        with refusals():
            done, new = wallets.deposit(owner, amount, keyed_command("deposit", owner, amount))
        if new:
            metrics.deposited()
        return answer(done._asdict())


def _add_entries(blueprint: Blueprint, wallets: Wallets) -> None:
    @blueprint.route("/wallet/entries", parameters=[LIMIT, CURSOR])
    @blueprint.response(200, EntryPageSchema, description="One page, newest first")
    @problems(blueprint, {404: _NO_WALLET})
    @blueprint.doc(operationId="listWalletEntries")
    def entries() -> Response:
        """List what moved in one's wallet, newest first."""
        return entries_answer(wallets, person())
