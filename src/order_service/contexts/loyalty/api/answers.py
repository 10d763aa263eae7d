"""What the routes give: lists, balances, movements, as JSON with exact numbers."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, request

from order_service.context.routes import answer
from order_service.contexts.loyalty.model import (
    Balance,
    HistoryEntry,
    UploadedNumber,
    Withdrawal,
)
from order_service.contexts.loyalty.ports import Expiry
from order_service.http.compression import compress
from order_service.ledger.amounts import json_number

Json = dict[str, Any]

JSON = "application/json"


def list_answer(lines: Sequence[Json], next_cursor: object = None) -> Response:
    """Return a list, 204 if there is nothing on it; a page names the next one (RFC 8288)."""
    if not lines:
        return Response(status=HTTPStatus.NO_CONTENT, content_type=JSON)
    response = compress(answer(lines))
    if next_cursor is not None:
        query = urlencode({**request.args, "cursor": next_cursor})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def number_line(number: UploadedNumber) -> Json:
    """Return a number as the list shows it; without points there is no `accrual`."""
    line: Json = {"number": number.number, "status": number.status}
    if number.accrual is not None:
        line["accrual"] = json_number(number.accrual)
    return line | {"uploaded_at": number.uploaded_at}


def withdrawal_line(withdrawal: Withdrawal) -> Json:
    """Return a withdrawal as the list shows it."""
    return {
        "order": withdrawal.order,
        "sum": json_number(withdrawal.amount),
        "processed_at": withdrawal.processed_at,
    }


def history_line(entry: HistoryEntry) -> Json:
    """Return a movement as the list shows it."""
    line: Json = {
        "movement": entry.movement,
        "kind": entry.kind,
        "change": json_number(entry.change),
        "balance": json_number(entry.balance),
        "reference": entry.reference,
        "created_at": entry.created_at,
    }
    return line | ({"reverses": entry.reverses} if entry.reverses else {})


def balance_body(balance: Balance) -> Json:
    """Return the points that there are and those that were withdrawn."""
    return {
        "current": json_number(balance.current),
        "withdrawn": json_number(balance.withdrawn),
    }


def person_body(owner: UUID, balance: Balance, expiry: Expiry | None) -> Json:
    """Return the points of a person, and what expires next."""
    body: Json = {
        "status": "Success",
        "uuid": owner,
        "balance": json_number(balance.current),
        "withdrawn": json_number(balance.withdrawn),
    }
    if expiry is None:
        return body
    return body | {"expires": {"balance": json_number(expiry.amount), "at": expiry.at}}


def moved_body(owner: UUID, current: int) -> Json:
    """Return the points that there are after a movement."""
    return {"status": "Success", "uuid": owner, "balance": json_number(current)}
