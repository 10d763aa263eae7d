"""What an answer of the accrual system says, and whether it can be believed.

Whatever is not exactly what its contract promises is a failure, and the number is asked about
again: points must never be credited on a guess.
"""

from typing import Any

import msgspec
from msgspec import Struct

from order_service.ledger.amounts import decoder, minor_units
from order_service.ledger.errors import AmountError

from .model import MAX_POINTS, Status
from .ports import Answer, Failed, Unknown, Verdict

_TYPES = {"", "application/json", "text/plain"}
"""Of the last are answers of servers that leave it to a library to say what they send."""

_STATUSES = {
    "REGISTERED": Status.PROCESSING,
    "PROCESSING": Status.PROCESSING,
    "INVALID": Status.INVALID,
    "PROCESSED": Status.PROCESSED,
}


class _Body(Struct):
    order: str
    status: str
    accrual: Any = None


_decode = decoder(_Body).decode


def read_answer(number: str, status: int, body: bytes, content_type: str = "") -> Answer:
    """Return what an answer says about the order that was asked about.

    Args:
        number: Of the order.
        status: Of HTTP, other than 429.
        body: As it came, decompressed.
        content_type: What it says it is; empty if it does not say. A page of a proxy is no answer.
    """
    if status == 204:  # noqa: PLR2004 - the contract's number
        return Unknown()
    if status != 200:  # noqa: PLR2004
        return Failed(f"status {status}")
    if content_type.partition(";")[0].strip().lower() not in _TYPES:
        return Failed("no JSON")
    return _read_body(number, body)


def _read_body(number: str, body: bytes) -> Answer:
    try:
        said = _decode(body)
        verdict = Verdict(_STATUSES[said.status], _points(said))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Failed(f"malformed: {error}")
    except KeyError:
        return Failed("unknown status")
    except AmountError as error:
        return Failed(f"accrual {error}", unbookable=said.order == number)
    return verdict if said.order == number else Failed("another order")


def _points(said: _Body) -> int | None:
    """Return the accrual in hundredths; only a finished order has one that counts."""
    if said.status != "PROCESSED" or said.accrual is None or said.accrual == 0:
        return None
    return minor_units(said.accrual, most=MAX_POINTS)
