"""People, their sessions and their sign-ins. Ids are UUIDs of version 7, times are aware."""

from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from uuid_utils import compat

USER_AGENT_LENGTH = 120
"""Characters that are kept of a User-Agent: enough to tell a browser, too few to tell a person."""

ADDRESS_LENGTH = 64


def new_id() -> UUID:
    """Return a new id; later ones sort behind earlier ones, which keeps indexes dense."""
    return compat.uuid7()


class Client(NamedTuple):
    """From where somebody asks.

    Attributes:
        address: IP address, or the /64 network of an IPv6 one.
        user_agent: What the program says that it is, shortened.
    """

    address: str
    user_agent: str

    @classmethod
    def of(cls, address: str, user_agent: str) -> "Client":
        """Return the client with both texts cut to what is kept."""
        return cls(_printable(address, ADDRESS_LENGTH), _printable(user_agent, USER_AGENT_LENGTH))


def _printable(text: str, length: int) -> str:
    """Return the first characters of `text`, those that no log or page can show replaced."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:length])


class Profile(NamedTuple):
    """What a person may tell of themselves."""

    email: str | None = None
    name: str | None = None
    birthday: date | None = None


class NewPerson(NamedTuple):
    """Somebody who registers.

    Attributes:
        login: As it was typed.
        login_key: As it is compared; see :func:`logins.login_key`.
        password_hash: An Argon2id hash in PHC format.
    """

    id: UUID
    login: str
    login_key: str
    password_hash: str
    profile: Profile
    created_at: datetime


class Person(NamedTuple):
    """Somebody who is registered; all that tells who it is is None once the person is erased."""

    id: UUID
    login: str | None
    email: str | None
    name: str | None
    birthday: date | None
    admin: bool
    created_at: datetime
    disabled_at: datetime | None
    erased_at: datetime | None


class Credentials(NamedTuple):
    """What a login is checked against, and what its token then says."""

    person_id: UUID
    password_hash: str
    admin: bool
    email: str | None
    disabled: bool


class Attempt(NamedTuple):
    """What is known of a login before its password is looked at.

    Attributes:
        wait: Seconds until it may be tried from this address, 0.0 if now.
        known: Whose login it is, None if it is nobody's.
    """

    wait: float
    known: Credentials | None


class Holder(NamedTuple):
    """Whom a token speaks of."""

    person_id: UUID
    admin: bool
    email: str | None


class NewSession(NamedTuple):
    """A session that begins.

    Attributes:
        token_digest: SHA-256 of the secret of its refresh token; empty if it has none.
        expires_at: Its end, however often it is renewed.
    """

    id: UUID
    person_id: UUID
    token_digest: bytes
    created_at: datetime
    expires_at: datetime
    client: Client


class SessionState(NamedTuple):
    """A session as a renewal finds it."""

    holder: Holder
    generation: int
    token_digest: bytes
    renewed_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class SessionRecord(NamedTuple):
    """A session as its owner sees it."""

    id: UUID
    created_at: datetime
    renewed_at: datetime
    expires_at: datetime
    client: Client


class EndReason(StrEnum):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - no password
    DISABLED = "disabled"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    RIGHTS_CHANGED = "rights_changed"
    ERASED = "erased"


class SignInResult(StrEnum):
    """How an attempt to sign in went, or what became of what it opened."""

    REGISTERED = "registered"
    SIGNED_IN = "signed_in"
    REFUSED = "refused"
    DISABLED = "disabled"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - no password
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password


class SignIn(NamedTuple):
    """One line of the audit trail. Nobody's person: a login that nobody has was tried."""

    id: UUID
    person_id: UUID | None
    session_id: UUID | None
    result: SignInResult
    client: Client
    at: datetime


class Tokens(NamedTuple):
    """What somebody who signed in gets.

    Attributes:
        refresh_token: Empty for a session that cannot be renewed.
        expires_in: Seconds for which the access token is valid.
        session_seconds: Seconds until the session ends at the latest.
    """

    person_id: UUID
    access_token: str
    refresh_token: str
    expires_in: int
    session_seconds: int
