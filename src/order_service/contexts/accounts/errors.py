"""The one exception tree of the accounts context."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

Faults = Mapping[str, Sequence[str]]
"""Name of a field to what is wrong with it, for people."""


class AccountsError(Exception):
    """Root of all errors that this context raises on purpose.

    Attributes:
        result: What metrics call an attempt that ended so.
    """

    result: ClassVar[str] = "failed"


class AccountsUnavailableError(AccountsError):
    """It cannot be known or stored now: the database, or a key that is in it, is out of reach."""


class InvalidFieldsError(AccountsError):
    """What somebody gave for a registration breaks a rule.

    Attributes:
        faults: All of them.
    """

    result = "invalid"

    def __init__(self, faults: Faults) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in faults.items()))
        self.faults = faults


class LoginTakenError(AccountsError):
    """Another person has this login."""

    result = "taken"


class WrongCredentialsError(AccountsError):
    """Nobody has this login, or the password is another one: it is never said which."""

    result = "refused"


class AccountDisabledError(AccountsError):
    """The password is right, and the account was closed by an operator."""

    result = "disabled"


class RetryLaterError(AccountsError):
    """It was not even tried.

    Attributes:
        seconds: After which it makes sense to try again.
    """

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class ThrottledError(RetryLaterError):
    """Too many attempts of this login or from this address."""

    result = "throttled"


class HashingBusyError(RetryLaterError):
    """More passwords wait to be hashed than are admitted."""

    result = "busy"


class InvalidTokenError(AccountsError):
    """An access token that is malformed, forged, expired, not for us, or of a session that ended.

    The message says which, for logs and tests; a client learns only that it is not valid.
    """


class SessionEndedError(AccountsError):
    """A refresh token that renews nothing: unknown, expired, revoked or used before."""

    result = "ended"


class NoSuchSessionError(AccountsError):
    """The person has no open session of this id."""


class NoSuchPersonError(AccountsError):
    """Nobody has this login or id."""


class SharedSecretError(AccountsError):
    """Tokens are signed with a secret from the configuration (HS256), so no key can be rotated."""


class RotationTooEarlyError(AccountsError):
    """The next key has not been published for long enough to be known by all who verify."""
