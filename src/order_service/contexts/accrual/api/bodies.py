"""What the routes take: the shape of the JSON, and the rules of its values."""

from typing import Any

import msgspec
from flask import Request
from msgspec import Struct

from order_service.contexts.accrual.model import (
    MAX_DESCRIPTION,
    MAX_GOODS,
    MAX_MATCH,
    MAX_PRICE,
    MAX_REWARD,
    PLACES,
    Good,
    Order,
    RewardType,
    Rule,
)
from order_service.http.bodies import invalid, json_of
from order_service.infra.luhn import is_luhn_number
from order_service.ledger.amounts import decoder, minor_units
from order_service.ledger.errors import AmountError


class _RuleBody(Struct):
    match: str
    reward: Any
    reward_type: RewardType


class _GoodBody(Struct):
    description: str
    price: Any


class _OrderBody(Struct):
    order: str
    goods: list[_GoodBody]


_RULE: msgspec.json.Decoder[_RuleBody] = decoder(_RuleBody)
_ORDER: msgspec.json.Decoder[_OrderBody] = decoder(_OrderBody)


def rule_of(request: Request) -> Rule:
    """Return the rule that a request holds.

    Raises:
        HTTPException: 400 if it holds none, and what else `json_of` raises.
    """
    body = json_of(request, _RULE)
    match = _text("match", body.match, MAX_MATCH)
    if not match.strip():
        invalid("json", "match", "must not be blank")
    try:
        reward = minor_units(body.reward, most=MAX_REWARD, places=PLACES)
    except AmountError as error:
        invalid("json", "reward", str(error))
    return Rule(match, reward, body.reward_type)


def order_of(request: Request) -> Order:
    """Return the order that a request holds; see `rule_of`."""
    body = json_of(request, _ORDER)
    if not is_luhn_number(body.order):
        invalid("json", "order", "is no number of an order")
    if not 1 <= len(body.goods) <= MAX_GOODS:
        invalid("json", "goods", f"must be 1 to {MAX_GOODS}")
    return Order(body.order, [_good(number, good) for number, good in enumerate(body.goods)])


def _good(number: int, body: _GoodBody) -> Good:
    place = f"goods.{number}"
    description = _text(f"{place}.description", body.description, MAX_DESCRIPTION)
    if not isinstance(body.price, bool) and body.price == 0:
        return Good(description, 0)
    try:
        return Good(description, minor_units(body.price, most=MAX_PRICE, places=PLACES))
    except AmountError as error:
        invalid("json", f"{place}.price", str(error))


def _text(place: str, text: str, longest: int) -> str:
    """Return `text` if the database can keep it."""
    if not 1 <= len(text) <= longest or "\0" in text:
        invalid("json", place, f"must be 1 to {longest} characters, none of them NUL")
    return text
