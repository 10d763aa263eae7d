"""Rules of reward, orders with their goods, and how many points these are worth.

All arithmetic is that of integers. Prices and rewards have at most four decimal places and are
kept in ten-thousandths; points have two and are kept in hundredths. The shares of all goods are
summed up exactly, and the sum is rounded once, half up.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

PLACES = 4
"""Decimal places of prices and rewards."""

MAX_MATCH = 255
"""Longest text that a rule looks for, in characters."""

MAX_DESCRIPTION = 2000
"""Longest description of goods, in characters."""

MAX_GOODS = 1000
"""Most goods of one order."""

MAX_PRICE = MAX_REWARD = 10**13
"""Largest price and reward, in ten-thousandths: a thousand millions."""

MAX_ACCRUAL = 10**15
"""Most points that one order can be worth, in hundredths."""

# A ten-thousandth of a price times a ten-thousandth of a percent is 10**-10 points.
_POINT = 10**10
_UNIT = 10**4
_HUNDREDTH = _POINT // 100


class RewardType(StrEnum):
    """What the number of a reward means."""

    PERCENT = "%"
    """Percent of the price of the goods."""

    POINTS = "pt"
    """Points for each of the goods, whatever it costs."""


class Status(StrEnum):
    """How far an order is; the last two are final."""

    REGISTERED = "REGISTERED"
    PROCESSING = "PROCESSING"
    INVALID = "INVALID"
    PROCESSED = "PROCESSED"


class Rule(NamedTuple):
    """Which goods are rewarded, and how.

    Attributes:
        match: Part of the description, whatever its case.
        reward: In ten-thousandths of a percent or of a point, at least 1.
    """

    match: str
    reward: int
    reward_type: RewardType

    @property
    def folded(self) -> str:
        """Return the match as it is compared."""
        return self.match.casefold()


class Good(NamedTuple):
    """One of the goods of an order; the price in ten-thousandths, at least 0."""

    description: str
    price: int


class Order(NamedTuple):
    """An order as the shop registers it: at least one of goods."""

    number: str
    goods: Sequence[Good]


class Outcome(NamedTuple):
    """What an order is worth.

    Attributes:
        accrual: Points in hundredths; None where there are none.
    """

    number: str
    status: Status
    accrual: int | None


def calculate(order: Order, rules: Iterable[Rule]) -> Outcome:
    """Return what an order is worth by these rules.

    Each of the goods gets the reward of every rule that it matches. An order that would be worth
    more than `MAX_ACCRUAL` is refused.
    """
    wanted = [(rule.folded, rule) for rule in rules]
    described = [(good.description.casefold(), good.price) for good in order.goods]
    total = sum(
        _share(price, rule) for text, price in described for match, rule in wanted if match in text
    )
    accrual = (total + _HUNDREDTH // 2) // _HUNDREDTH
    if accrual > MAX_ACCRUAL:
        return Outcome(order.number, Status.INVALID, None)
    return Outcome(order.number, Status.PROCESSED, accrual or None)


def _share(price: int, rule: Rule) -> int:
    """Return the reward for goods of this price, in 10**-10 points."""
    if rule.reward_type is RewardType.PERCENT:
        return price * rule.reward
    return rule.reward * (_POINT // _UNIT)
