"""Numbers with a check digit by the formula of Luhn (ISO/IEC 7812-1, annex B)."""

import re

MAX_DIGITS = 255
"""Longest number that is taken."""

# At least one digit and its check digit. ASCII digits alone: others look the same and are not.
_is_number = re.compile(rf"[0-9]{{2,{MAX_DIGITS}}}\Z").match
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_ZERO = ord("0")


def is_luhn_number(text: str) -> bool:
    """Return whether `text` is digits alone, 2 to `MAX_DIGITS`, the last of which checks."""
    if not _is_number(text):
        return False
    digits = [ord(character) - _ZERO for character in reversed(text)]
    return (sum(digits[::2]) + sum(_DOUBLED[digit] for digit in digits[1::2])) % 10 == 0


def check_digit(payload: str) -> str:
    """Return the digit that makes `payload`, digits alone, such a number."""
    digits = [ord(character) - _ZERO for character in reversed(payload)]
    total = sum(_DOUBLED[digit] for digit in digits[::2]) + sum(digits[1::2])
    return str(-total % 10)
