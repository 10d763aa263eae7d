"""Use case: what operators do with accounts, by login or by id."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from .errors import InvalidFieldsError, NoSuchPersonError
from .hashing import PasswordHashing
from .logins import login_key
from .model import Client, Person, SignIn, SignInResult, new_id
from .passwords import PasswordPolicy
from .ports import AuditTrail, Clock, PersonAdministration, PersonStore, SignInPosition
from .signing_in import Registration, hashed_person, registration_faults

_OPERATOR = Client("", "order-service accounts")
_PAGE = 1000


class Administration:
    """Creates, changes and erases accounts.

    Everything raises AccountsUnavailableError if it cannot be known or stored now.

    Args:
        people: Where new ones are kept.
        administration: What may be done with them, in the role that migrates.
        trail: Their sign-ins.
        hashing: Hashes passwords.
        clock: The time now.
    """

    def __init__(
        self,
        people: PersonStore,
        administration: PersonAdministration,
        trail: AuditTrail,
        hashing: PasswordHashing,
        clock: Clock,
    ) -> None:
        self._people = people
        self._administration = administration
        self._trail = trail
        self._hashing = hashing
        self._clock = clock

    def create(self, registration: Registration, policy: PasswordPolicy) -> UUID:
        """Keep a new person, as if they had registered, and return the id.

        Raises:
            InvalidFieldsError: With everything that breaks a rule.
            LoginTakenError: Another person has the login.
        """
        now = self._clock()
        faults = registration_faults(registration, policy, now.date())
        if faults:
            raise InvalidFieldsError(faults)
        person = hashed_person(registration, self._hashing, now)
        entry = SignIn(new_id(), person.id, None, SignInResult.REGISTERED, _OPERATOR, now)
        self._people.register(person, None, entry)
        return person.id

    def set_admin(self, who: str, *, admin: bool) -> None:
        """Give or take the rights of an admin; open sessions end if that changes anything.

        Raises:
            NoSuchPersonError: Nobody has this login or id.
        """
        person = self._known(who)
        self._administration.set_admin(person.id, self._clock(), admin=admin)

    def disable(self, who: str) -> None:
        """Close an account and end its sessions; raises as `set_admin`."""
        self._administration.disable(self._known(who).id, self._clock())

    def unlock(self, who: str) -> None:
        """Open an account again and forget its failed attempts; raises as `set_admin`."""
        person = self._known(who)
        self._administration.unlock(person.id, login_key(person.login or ""))

    def unlock_address(self, address: str) -> bool:
        """Forget the failed attempts from an address; return whether there were any."""
        return self._administration.unlock_address(address)

    def erase(self, who: str) -> UUID:
        """Remove all that tells who a person is; return the id, which stays. Raises as `set_admin`.

        An id may be given again: what is erased stays so.
        """
        person = self._found(who)
        self._administration.erase(person.id, self._clock())
        return person.id

    def export(self, who: str) -> Mapping[str, Any]:
        """Return all that is kept of a person, as JSON has it; raises as `set_admin`.

        The hash of the password and those of tokens tell nothing to the person and stay here.
        """
        person = self._found(who)
        return {
            "person": _plain(person._asdict()),
            "sessions": [
                _plain(session._asdict()) | {"ended_at": _text(ended_at)}
                for session, ended_at in self._administration.sessions(person.id)
            ],
            "sign_ins": [_plain(entry._asdict()) for entry in self._sign_ins(person.id)],
        }

    def _sign_ins(self, person_id: UUID) -> list[SignIn]:
        entries: list[SignIn] = []
        position: SignInPosition | None = None
        while page := self._trail.of_person(person_id, _PAGE, position):
            entries += page
            position = SignInPosition(page[-1].at, page[-1].id)
        return entries

    def _known(self, who: str) -> Person:
        person = self._found(who)
        if person.erased_at is not None:
            raise NoSuchPersonError(who)
        return person

    def _found(self, who: str) -> Person:
        """Return the person of a login, or of an id: an erased one has no login any more."""
        person = self._administration.find(login_key(who)) if who.isprintable() else None
        if person is None and (person_id := _id(who)):
            person = self._people.person(person_id)
        if person is None:
            raise NoSuchPersonError(who)
        return person


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text(value) for name, value in values.items()}


def _text(value: object) -> object:
    """Return a value as JSON has it."""
    if isinstance(value, Client):
        return value._asdict()
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | str) else str(value)
