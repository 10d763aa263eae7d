from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.contexts.accrual.model import (
    MAX_ACCRUAL,
    MAX_PRICE,
    MAX_REWARD,
    Good,
    Order,
    Outcome,
    RewardType,
    Rule,
    Status,
    calculate,
)

TEN_THOUSANDTHS = 10**4


def percent(match: str, reward: str) -> Rule:
    return Rule(match, int(Decimal(reward) * TEN_THOUSANDTHS), RewardType.PERCENT)


def points(match: str, reward: str) -> Rule:
    return Rule(match, int(Decimal(reward) * TEN_THOUSANDTHS), RewardType.POINTS)


def accrual(goods: list[tuple[str, str]], *rules: Rule) -> str | None:
    order = Order(
        "18", [Good(text, int(Decimal(price) * TEN_THOUSANDTHS)) for text, price in goods]
    )
    outcome = calculate(order, rules)
    assert outcome.status is Status.PROCESSED
    return None if outcome.accrual is None else str(Decimal(outcome.accrual) / 100)


def test_a_share_is_rounded_half_up_to_hundredths() -> None:
    # 5 % of 14599.50 are 729.975.
    goods = [("Стиральная машинка LG", "47399.99"), ("Телевизор qWeRtY", "14599.50")]
    assert accrual(goods, percent("qWeRtY", "5")) == "729.98"


def test_percent_and_points_of_several_goods_add_up() -> None:
    goods = [("Чайник Tefal", "7000"), ("Чипсы Pringles бекон", "147.5"), ("Coca-Cola 0.5л", "55")]
    assert accrual(goods, percent("Pringles", "10"), points("Coca-Cola", "12.5")) == "27.25"


def test_the_sum_is_rounded_and_not_its_parts() -> None:
    goods = [("tea", "0.04"), ("tea", "0.04"), ("tea", "0.04")]
    assert accrual(goods, percent("tea", "10")) == "0.01"  # 0.012, not three times 0.00
    assert accrual([("tea", "0.04")], percent("tea", "10")) is None


@pytest.mark.parametrize(
    ("match", "description"),
    [
        ("bork", "Чайник BORK"),
        ("BORK", "чайник bork k700"),
        ("чайник", "ЧАЙНИК"),
        ("STRASSE", "Straße 5"),
        ("%", "100 % cotton"),
        ("_", "a_b"),
        ("\\", "back\\slash"),
        ("Λ", "λάμπα"),
    ],
)
def test_a_match_is_a_part_of_the_description_whatever_its_case(
    match: str, description: str
) -> None:
    assert accrual([(description, "100")], percent(match, "10")) == "10"


def test_goods_without_a_rule_are_worth_nothing() -> None:
    assert accrual([("Утюг", "100")], percent("Чайник", "10")) is None
    assert accrual([("Утюг", "100")]) is None


def test_every_rule_that_fits_counts() -> None:
    assert accrual([("Чайник Bork", "100")], percent("чайник", "1"), points("bork", "2")) == "3"


def test_points_are_given_for_each_of_the_goods_even_if_they_are_free() -> None:
    assert accrual([("pen", "0"), ("pen", "0")], points("pen", "0.5")) == "1"
    assert accrual([("pen", "0")], percent("pen", "50")) is None


def test_an_order_that_is_worth_more_than_there_can_be_is_refused() -> None:
    order = Order("18", [Good("gold", MAX_PRICE)] * 2)
    outcome = calculate(order, [Rule("gold", MAX_REWARD, RewardType.PERCENT)])
    assert outcome == Outcome("18", Status.INVALID, None)


SUMS = st.integers(0, 10**10)


@given(st.lists(st.tuples(SUMS, st.booleans()), min_size=1, max_size=5), st.integers(1, 10**6))
def test_the_arithmetic_is_that_of_decimals(goods: list[tuple[int, bool]], reward: int) -> None:
    rules = [Rule("a", reward, RewardType.PERCENT), Rule("b", reward, RewardType.POINTS)]
    order = Order("18", [Good("a" if share else "b", price) for price, share in goods])
    shares = (
        Decimal(price).scaleb(-4) * Decimal(reward).scaleb(-6)
        if share
        else Decimal(reward).scaleb(-4)
        for price, share in goods
    )
    worth = sum(shares, Decimal(0))
    expected = int((worth * 100).quantize(Decimal(1), ROUND_HALF_UP))
    assert (calculate(order, rules).accrual or 0) == expected
    assert expected <= MAX_ACCRUAL
