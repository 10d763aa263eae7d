import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.infra.luhn import MAX_DIGITS, check_digit, is_luhn_number

DIGITS = st.text("0123456789", min_size=1, max_size=MAX_DIGITS - 1)


@pytest.mark.parametrize(
    "number",
    [
        "12345678903",
        "9278923470",
        "346436439",
        "2377225624",
        "4561261212345467",
        "18",
        "00",
        "0" * 255,
    ],
)
def test_a_number_with_its_check_digit_is_one(number: str) -> None:
    assert is_luhn_number(number)


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "5", "12345678902", "12345678901", "4561261212345464",
        "4561 2612 1234 5467", " 18", "18 ", "18\n", "+18", "-18", "1.8", "1e8", "18a", "0x12",
        "١٨", "\uff11\uff18", "1²", "0" * 256,
    ],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    assert not is_luhn_number(text)


@given(DIGITS)
def test_of_the_ten_last_digits_one_alone_checks(payload: str) -> None:
    right = check_digit(payload)
    assert [d for d in "0123456789" if is_luhn_number(payload + d)] == [right]


@given(DIGITS, st.data())
def test_no_single_wrong_digit_goes_unnoticed(payload: str, data: st.DataObject) -> None:
    number = payload + check_digit(payload)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from("0123456789").filter(lambda d: d != number[place]))
    assert not is_luhn_number(number[:place] + other + number[place + 1 :])
