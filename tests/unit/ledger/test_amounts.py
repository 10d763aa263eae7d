from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, json

from order_service.ledger.amounts import decoder, json_number, minor_units
from order_service.ledger.errors import AmountError

MOST = 2**53


class Body(Struct):
    sum: Any


_decoder = decoder(Body)


def read(text: str, most: int = MOST) -> int:
    return minor_units(_decoder.decode(f'{{"sum": {text}}}').sum, most=most)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("729.98", 72998),
        ("751", 75100),
        ("0.01", 1),
        ("1e2", 10000),
        ("1E-2", 1),
        ("50.10", 5010),
        ("50.1000000", 5010),
        ("90071992547409.92", MOST),
        # 0.1 + 0.2 and its like are where binary floats go wrong.
        ("0.29", 29),
        ("1.1", 110),
        ("4.35", 435),
    ],
)
def test_a_number_is_read_exactly(text: str, units: int) -> None:
    assert read(text) == units


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", "greater than zero"),
        ("0.00", "greater than zero"),
        ("-0.0", "greater than zero"),
        ("-1", "greater than zero"),
        ("-1e400", "greater than zero"),
        ("0.001", "2 decimal places"),
        ("729.980000001", "2 decimal places"),
        ("1." + "0" * 60 + "1", "2 decimal places"),
        ("1e-400", "2 decimal places"),
        ("1e-999999999", "2 decimal places"),
        ("90071992547409.93", "at most 90071992547409.92"),
        ("1e400", "at most"),
        ("1e999999999", "at most"),
        ("1e999999999999999999999999", "at most"),
        ("9" * 400, "at most"),
        ('"50"', "must be a number"),
        ("true", "must be a number"),
        ("false", "must be a number"),
        ("null", "must be a number"),
        ("[50]", "must be a number"),
        ('{"value": 50}', "must be a number"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(AmountError, match=message):
        read(text)


def test_a_float_and_what_is_not_finite_are_no_amounts() -> None:
    for value in (50.5, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")):
        with pytest.raises(AmountError):
            minor_units(value, most=MOST)


@given(st.integers(1, MOST))
def test_every_amount_survives_the_way_to_json_and_back(units: int) -> None:
    assert read(bytes(json_number(units)).decode()) == units


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_is_an_amount_exactly_if_its_hundredfold_is_a_whole_number_in_bounds(
    number: Decimal,
) -> None:
    numerator, denominator = number.as_integer_ratio()
    whole, rest = divmod(100 * numerator, denominator)
    if rest or not 0 < whole <= MOST:
        with pytest.raises(AmountError):
            minor_units(number, most=MOST)
    else:
        assert minor_units(number, most=MOST) == whole


@pytest.mark.parametrize(
    ("units", "text"),
    [(72998, "729.98"), (5050, "50.5"), (50000, "500"), (0, "0"), (1, "0.01"), (-105, "-1.05")],
)
def test_an_amount_is_written_as_the_shortest_json_number(units: int, text: str) -> None:
    assert json.encode({"sum": json_number(units)}).decode() == f'{{"sum":{text}}}'


def test_a_unit_without_decimal_places_takes_whole_numbers_alone() -> None:
    assert minor_units(5, most=10, places=0) == 5
    assert bytes(json_number(5, places=0)) == b"5"
    with pytest.raises(AmountError, match="0 decimal places"):
        minor_units(Decimal("5.5"), most=10, places=0)
