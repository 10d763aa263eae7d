"""What the routes take and give, and how refusals look."""

from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from flask import Response, request

from order_service.context.paging import Page
from order_service.context.routes import amount_in, answer, refusing
from order_service.contexts.payments.errors import (
    NoWalletError,
    StorageUnavailableError,
    TooMuchError,
)
from order_service.contexts.payments.model import Wallet, WalletEntry
from order_service.contexts.payments.wallets import Wallets
from order_service.http.bodies import json_of
from order_service.http.query import before_of_request, limit_of_request
from order_service.ledger.amounts import decoder

LONGEST_PAGE = 100
USUAL_PAGE = 20


class _DepositBody(msgspec.Struct, forbid_unknown_fields=True):
    amount: Any


_DEPOSIT: msgspec.json.Decoder[_DepositBody] = decoder(_DepositBody)

refusals = partial(
    refusing,
    {
        NoWalletError: (HTTPStatus.NOT_FOUND, "There is no wallet yet: `POST /wallet` opens one."),
        TooMuchError: (HTTPStatus.UNPROCESSABLE_ENTITY, "The wallet would hold too much."),
        StorageUnavailableError: (
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The wallets cannot be asked now.",
        ),
    },
)
"""Ends the request with the problem that an error of this context stands for."""


def amount_of_request(most: int) -> int:
    """Return the amount of a deposit.

    Raises:
        HTTPException: 400 or 422 if it is none.
    """
    return amount_in("amount", json_of(request, _DEPOSIT).amount, most, places=0)


def wallet_body(wallet: Wallet) -> dict[str, object]:
    """Return a wallet as it is shown to its owner."""
    return {
        "id": wallet.id,
        "currency": wallet.currency,
        "balance": wallet.balance,
        "created_at": wallet.created_at,
    }


def entries_answer(wallets: Wallets, owner: UUID) -> Response:
    """Return one page of the movements of a wallet."""
    limit = limit_of_request(LONGEST_PAGE, USUAL_PAGE)
    before = before_of_request("is no `next_cursor` of this service")
    with refusals():
        page = wallets.page(owner, limit, before)
    return answer(_page_body(page))


def _page_body(page: Page[WalletEntry, int]) -> dict[str, object]:
    cursor = None if page.next is None else str(page.next)
    return {"entries": [_entry_body(each) for each in page.items], "next_cursor": cursor}


def _entry_body(entry: WalletEntry) -> dict[str, object]:
    return {
        "id": entry.transfer,
        "kind": entry.kind,
        "change": entry.change,
        "balance": entry.balance,
        "purchase": entry.reference or None,
        "created_at": entry.created_at,
    }
