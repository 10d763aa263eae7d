"""Logins: what may be one, and which are the same.

Two logins are the same if their canonical caseless forms are: Unicode 15, section 3.13, D146
(``NFKC(casefold(NFKC(casefold(NFD(x)))))``). Letters of different scripts that merely look alike
stay different: a login is an address here, not a name that others are shown.
"""

import unicodedata

MAX_LENGTH = 255


def login_key(login: str) -> str:
    """Return the form in which logins are compared; it may be longer than the login."""
    folded = unicodedata.normalize("NFD", login).casefold()
    folded = unicodedata.normalize("NFKC", folded).casefold()
    return unicodedata.normalize("NFKC", folded)


def login_faults(login: str) -> list[str]:
    """Return what keeps `login` from being one, for people; an empty list if nothing does."""
    if not login or max(len(login), len(login_key(login))) > MAX_LENGTH:
        return [f"A login is 1 to {MAX_LENGTH} characters."]
    # Spaces are no better than control characters: nobody sees one at the end.
    if not login.isprintable() or any(letter.isspace() for letter in login):
        return ["A login holds no spaces and no control characters."]
    # "@ann" is a handle; with something on both sides it can only be meant as an address.
    return email_faults(login) if "@" in login[1:] else []


def email_faults(email: str) -> list[str]:
    """Return what keeps `email` from being an address; nobody is asked whether it exists."""
    # The first address waits for it, instead of every start of a process.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - slow

    try:
        validate_email(email, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        return [str(error)]
    return []
