"""Passwords: what may be one, and the form in which it is hashed.

The form is the OpaqueString profile of RFC 8265 (section 4.2), so that a password that is typed on
another keyboard stays the same: NFC, every space the ASCII one, case and width kept. Which may be
chosen follows NIST SP 800-63B-4, section 3.1.1.2: a least length, no rules of composition, none
that are known to be common, none that repeats the login.
"""

import functools
import unicodedata
from typing import NamedTuple

from .logins import login_key

MAX_LENGTH = 128

# Composition makes a text shorter: no letter is written with more marks than these.
_MOST_TYPED = 4 * MAX_LENGTH

# Control characters cannot be typed again elsewhere; surrogates are no characters.
_REFUSED = frozenset({"Cc", "Cs"})


def prepared(password: str) -> bytes | None:
    """Return what is hashed, None if the text cannot be a password of anybody.

    Raises nothing: at a login such a text is just a wrong password.
    """
    if len(password) > _MOST_TYPED:
        return None
    text = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    text = unicodedata.normalize("NFC", text)
    if not 1 <= len(text) <= MAX_LENGTH or any(unicodedata.category(c) in _REFUSED for c in text):
        return None
    return text.encode()


@functools.cache
def common_passwords() -> frozenset[str]:
    """Return the passwords that everybody tries first, caseless. The first call takes 0.1 s."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - 2 MB that few processes need

    return frozenset(word.casefold() for word in FREQUENCY_LISTS["passwords"])


class PasswordPolicy(NamedTuple):
    """Which passwords may be chosen.

    Attributes:
        min_length: Characters, counted after preparation.
        refuse_common: Whether common ones and the login itself are refused.
    """

    min_length: int
    refuse_common: bool = True

    def faults(self, password: str, login: str) -> list[str]:
        """Return what is wrong with a new password, for people; never the password itself."""
        form = prepared(password)
        if form is None:
            return [f"A password is at most {MAX_LENGTH} characters, none of them a control one."]
        text = form.decode()
        if len(text) < self.min_length:
            return [f"A password is at least {self.min_length} characters."]
        if self.refuse_common and _is_guessable(text, login):
            return ["This password is among the first that anybody would try."]
        return []


def _is_guessable(password: str, login: str) -> bool:
    key, caseless = login_key(login), login_key(password)
    return caseless in {key, key.partition("@")[0]} or password.casefold() in common_passwords()
