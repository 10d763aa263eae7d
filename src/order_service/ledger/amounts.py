"""Amounts from JSON and to JSON, exactly: a number never becomes a binary float on its way.

`decoder` reads the numbers of a body as they are written, `minor_units` takes only those that are
an amount, `json_number` writes one back.
"""

from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from .errors import AmountError

T = TypeVar("T")

HUNDREDTHS = 2
"""Decimal places of points and of most currencies."""

_BEYOND = Decimal("Infinity")
# Far more digits than any amount has; a longer number is not worth its arithmetic.
_MOST_DIGITS = 40


def decoder(shape: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder whose fractions are Decimals where `shape` says ``object`` or ``Any``."""
    return msgspec.json.Decoder(shape, float_hook=_fraction)


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent that even Decimal cannot hold
        return _BEYOND


def minor_units(value: object, *, most: int, places: int = HUNDREDTHS) -> int:
    """Return an amount that came as JSON number in minor units.

    Args:
        value: What `decoder` made of it: an int or a Decimal. Anything else is no number.
        most: Largest amount, in minor units.
        places: Decimal places of the unit.

    Raises:
        AmountError: It is no number, not above zero, above `most`, or finer than the unit.
    """
    number = _number(value)
    if number <= 0:
        raise AmountError("must be greater than zero")
    limit = Decimal(most).scaleb(-places)
    if number > limit:
        raise AmountError(f"must be at most {limit:f}")
    return _scaled(number, places)


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise AmountError("must be a number")
    number = Decimal(value)
    if number.is_nan():
        raise AmountError("must be a number")
    return number


def _scaled(value: Decimal, places: int) -> int:
    too_fine = AmountError(f"must have at most {places} decimal places")
    # A ratio of integers is exact, and small once the exponent is known to be.
    if value.adjusted() < -places or len(value.as_tuple().digits) > _MOST_DIGITS:
        raise too_fine
    numerator, denominator = value.as_integer_ratio()
    unit: int = 10**places
    units, rest = divmod(numerator * unit, denominator)
    if rest:
        raise too_fine
    return units


def json_number(units: int, places: int = HUNDREDTHS) -> msgspec.Raw:
    """Return minor units as the shortest JSON number, such as 729.98, 50.5 or 500."""
    whole, part = divmod(abs(units), 10**places)
    fraction = f"{part:0{places}d}".rstrip("0") if part else ""
    sign = "-" if units < 0 else ""
    return msgspec.Raw(f"{sign}{whole}{'.' if fraction else ''}{fraction}".encode())
