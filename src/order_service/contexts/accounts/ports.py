"""What the use cases need from the outside; `postgres` implements it.

Every call blocks, with a deadline, and raises AccountsUnavailableError if the answer cannot be had
now. Moments come from the caller: no two clocks decide about one session.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from .model import (
    Attempt,
    Credentials,
    EndReason,
    Holder,
    NewPerson,
    NewSession,
    Person,
    SessionRecord,
    SessionState,
    SignIn,
)

Clock = Callable[[], datetime]
"""The time now, aware."""


class PersonStore(Protocol):
    """Who is registered."""

    def register(self, person: NewPerson, session: NewSession | None, entry: SignIn) -> None:
        """Keep a new person, the event that tells of it, a session and the audit entry: or nothing.

        Raises:
            LoginTakenError: Another person has the login.
        """

    def credentials(self, login_key: str) -> Credentials | None:
        """Return what a login is checked against, None if nobody has it."""

    def replace_hash(self, person_id: UUID, old: str, new: str) -> None:
        """Keep the same password's new hash, unless the password was changed meanwhile."""

    def change_hash(self, old: str, new: str, entry: SignIn) -> bool:
        """Keep another password's hash, end all sessions but that of `entry`, and keep the entry.

        Returns:
            False, and nothing is kept, if the hash of the entry's person is not `old` any more.
        """

    def person(self, person_id: UUID) -> Person | None:
        """Return a person, None if there was never one of this id."""


class SignInStore(Protocol):
    """The beginnings of sessions, and what is remembered of the attempts."""

    def signed_in(
        self, session: NewSession, entry: SignIn, login_key: str, proven: Credentials
    ) -> bool:
        """Keep a session and its audit entry, and forget the failures of the login.

        Returns:
            False, and nothing is kept, if the person is disabled by now, or has another password
            or other rights than were `proven`.
        """

    def refused(self, entry: SignIn, login_key: str) -> None:
        """Keep the audit entry of a failed attempt, and count it for the login and the address."""

    def record(self, entry: SignIn) -> None:
        """Keep an audit entry."""

    def attempt(self, login_key: str, address: str, now: datetime) -> Attempt:
        """Return whose login this is, and whether it may be tried now."""

    def wait_to_register(self, address: str, now: datetime) -> float:
        """Count a registration from this address; return the seconds to wait if it is not."""


class SessionStore(Protocol):
    """Sessions that were opened."""

    def renew(
        self, session_id: UUID, generation: int, digest: bytes, successor: bytes, now: datetime
    ) -> Holder | None:
        """Put the next generation in place of this one, if this one is still the newest.

        Returns:
            Whose session it is; None if nothing changed: another generation, another digest, an
            end that has come, a person who is disabled.
        """

    def state(self, session_id: UUID) -> SessionState | None:
        """Return a session as it is now, None if there is none (any more)."""

    def end(self, session_id: UUID, person_id: UUID, reason: EndReason, now: datetime) -> bool:
        """End one open session of a person; return whether there was one."""

    def end_all(self, person_id: UUID, reason: EndReason, now: datetime) -> int:
        """End all open sessions of a person; return how many there were."""

    def open_of(self, person_id: UUID, now: datetime) -> Sequence[SessionRecord]:
        """Return the open sessions of a person, the one that was used last first."""

    def standing(self, session_id: UUID, now: datetime) -> Holder | None:
        """Return whose session this is if it is open and the person not disabled."""

    def ended_since(self, moment: datetime) -> Sequence[tuple[UUID, datetime]]:
        """Return the sessions that were ended before their time since `moment`."""


class SignInPosition(NamedTuple):
    """The last entry of a page: the next one starts behind it, newest first."""

    at: datetime
    id: UUID


class AuditTrail(Protocol):
    """What is remembered of sign-ins, for those whom it is about."""

    def of_person(
        self, person_id: UUID, limit: int, after: SignInPosition | None
    ) -> Sequence[SignIn]:
        """Return at most `limit` entries, newest first, behind `after`."""


class PersonAdministration(Protocol):
    """What operators do, in the role that migrates."""

    def find(self, login_key: str) -> Person | None:
        """Return who has this login."""

    def set_admin(self, person_id: UUID, now: datetime, *, admin: bool) -> None:
        """Give or take the rights of an admin, and end the sessions whose tokens say otherwise."""

    def disable(self, person_id: UUID, now: datetime) -> None:
        """Close the account and end all of its sessions."""

    def unlock(self, person_id: UUID, key: str) -> None:
        """Open the account again, and forget the failed attempts at its login, given its key."""

    def unlock_address(self, address: str) -> bool:
        """Forget the failed attempts from an address; return whether there were any."""

    def erase(self, person_id: UUID, now: datetime) -> None:
        """Remove all that tells who the person is; the id stays, so that what names it is whole."""

    def sessions(self, person_id: UUID) -> Sequence[tuple[SessionRecord, datetime | None]]:
        """Return all sessions that are still on record, each with its end if it has ended."""


class StoredKey(NamedTuple):
    """A key as it lies in the database.

    Attributes:
        id: Its `kid`, or its number in decimal.
        state: ``next``, ``current`` or ``retired``.
        sealed: The private key; see :mod:`tokens.sealing`.
        since: When it entered its state.
    """

    id: str
    state: str
    sealed: bytes
    created_at: datetime
    since: datetime


class KeyStore(Protocol):
    """The keys of this service."""

    def signing_keys(self) -> Sequence[StoredKey]:
        """Return all keys that sign or have signed tokens."""

    def refresh_keys(self) -> Sequence[StoredKey]:
        """Return all keys of refresh tokens, oldest first."""

    def add_signing_key(self, key: StoredKey) -> None:
        """Keep a key, unless there is one in this state, which only ``retired`` admits twice."""

    def add_refresh_key(self, key: StoredKey) -> None:
        """Keep a key, unless there is one of this number."""

    def rotate(
        self, following: str, successor: StoredKey, now: datetime, *, drop_current: bool
    ) -> None:
        """Make the next key current and keep `successor` as the next one.

        Args:
            following: Id of the next key.
            successor: The one after it.
            now: The time.
            drop_current: Whether the current key is dropped with all retired ones, or retired.

        Raises:
            RotationTooEarlyError: Somebody else has made that key current at this moment.
        """

    def drop_retired(self, before: datetime) -> int:
        """Forget the keys that were retired before a moment; return how many."""
