"""What the routes take and give, and how refusals look."""

import contextlib
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

import msgspec
from flask import Response, request
from flask_smorest import abort

from order_service.contexts.payments.errors import (
    KeyReusedError,
    NoWalletError,
    PaymentsError,
    StillRunningError,
    StorageUnavailableError,
    TooMuchError,
)
from order_service.contexts.payments.model import Deposit, Wallet, WalletEntry
from order_service.contexts.payments.ports import Key
from order_service.contexts.payments.wallets import EntryPage, Wallets
from order_service.http.bodies import json_of
from order_service.http.persons import idempotency_key
from order_service.ledger.amounts import decoder, minor_units
from order_service.ledger.errors import AmountError

LONGEST_PAGE = 100
USUAL_PAGE = 20

_is_number = re.compile(r"[0-9]{1,18}\Z").match


class _DepositBody(msgspec.Struct, forbid_unknown_fields=True):
    amount: Any


_DEPOSIT: msgspec.json.Decoder[_DepositBody] = decoder(_DepositBody)

_REFUSALS: dict[type[PaymentsError], tuple[HTTPStatus, str]] = {
    NoWalletError: (HTTPStatus.NOT_FOUND, "There is no wallet yet: `POST /wallet` opens one."),
    TooMuchError: (HTTPStatus.UNPROCESSABLE_ENTITY, "The wallet would hold too much."),
    KeyReusedError: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This Idempotency-Key came before, with another request.",
    ),
    StillRunningError: (
        HTTPStatus.CONFLICT,
        "The request with this Idempotency-Key is being handled.",
    ),
    StorageUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "The wallets cannot be asked now."),
}


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """End the request with the problem that an error of this context stands for."""
    try:
        yield
    except PaymentsError as error:
        status, text = _REFUSALS[type(error)]
        again = {"Retry-After": "1"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
        abort(status, message=text, headers=again, exc=error)


def answer(body: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return JSON."""
    return Response(msgspec.json.encode(body), status, content_type="application/json")


def amount_of_request(most: int) -> int:
    """Return the amount of a deposit.

    Raises:
        HTTPException: 400 or 422 if it is none.
    """
    value = json_of(request, _DEPOSIT).amount
    try:
        return minor_units(value, most=most, places=0)
    except AmountError as error:
        _invalid("json", "amount", f"{error}", HTTPStatus.UNPROCESSABLE_ENTITY)


def deposit_key(owner: UUID, amount: int) -> Key | None:
    """Return the idempotency key of a deposit, None if it has none."""
    found = idempotency_key("deposit", owner, amount)
    return Key(*found) if found else None


class PlaceInList(NamedTuple):
    """Which page is asked for."""

    limit: int
    before: int | None


def place_of_request() -> PlaceInList:
    """Return which page is asked for.

    Raises:
        HTTPException: 400 if there is no such page.
    """
    limit, cursor = request.args.get("limit", str(USUAL_PAGE)), request.args.get("cursor")
    if not _is_number(limit) or not 1 <= int(limit) <= LONGEST_PAGE:
        _invalid("query", "limit", f"must be 1 to {LONGEST_PAGE}")
    if cursor is not None and not _is_number(cursor):
        _invalid("query", "cursor", "is no `next_cursor` of this service")
    return PlaceInList(int(limit), int(cursor) if cursor else None)


def _invalid(
    place: str, name: str, problem: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
) -> NoReturn:
    abort(status, message=f"{name} {problem}.", errors={place: {name: [problem]}})
    raise AssertionError  # abort does not return


def wallet_body(wallet: Wallet) -> dict[str, object]:
    """Return a wallet as it is shown to its owner."""
    return {
        "id": wallet.id,
        "currency": wallet.currency,
        "balance": wallet.balance,
        "created_at": wallet.created_at,
    }


def deposit_body(deposit: Deposit) -> dict[str, object]:
    """Return a deposit."""
    return deposit._asdict()


def entries_answer(wallets: Wallets, owner: UUID) -> Response:
    """Return one page of the movements of a wallet."""
    place = place_of_request()
    with refusals():
        page = wallets.page(owner, *place)
    return answer(_page_body(page))


def _page_body(page: EntryPage) -> dict[str, object]:
    cursor = None if page.next_before is None else str(page.next_before)
    return {"entries": [_entry_body(each) for each in page.entries], "next_cursor": cursor}


def _entry_body(entry: WalletEntry) -> dict[str, object]:
    return {
        "id": entry.transfer,
        "kind": entry.kind,
        "change": entry.change,
        "balance": entry.balance,
        "purchase": entry.reference or None,
        "created_at": entry.created_at,
    }
