"""Use case: who registers or signs in gets a session."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from .errors import (
    AccountDisabledError,
    AccountsError,
    AccountsUnavailableError,
    InvalidFieldsError,
    LoginTakenError,
    ThrottledError,
    WrongCredentialsError,
)
from .granting import Granting
from .hashing import Hasher, PasswordHashing
from .logins import email_faults, login_faults, login_key
from .model import (
    Client,
    Credentials,
    Holder,
    NewPerson,
    Profile,
    SignIn,
    SignInResult,
    Tokens,
    new_id,
)
from .passwords import PasswordPolicy, prepared
from .ports import Clock, PersonStore, SignInStore
from .suspects import Suspects

_EARLIEST_BIRTHDAY = date(1900, 1, 1)
_MAX_NAME = 255

_TRIES = 3
"""Times that a password is proven while the account changes between proof and session."""


class Registration(NamedTuple):
    """What somebody gives who registers."""

    login: str
    password: str
    profile: Profile = Profile()

    def __repr__(self) -> str:
        return f"Registration(login={self.login!r})"  # a password is in no traceback


class PasswordChange(NamedTuple):
    """What somebody gives who changes the password, and the session that it is done in."""

    person_id: UUID
    session_id: UUID
    present: str
    new: str

    def __repr__(self) -> str:
        return f"PasswordChange(person_id={self.person_id!r})"  # a password is in no traceback


class SignInObserver(Protocol):
    """Told what became of attempts, for metrics; results are those of the errors."""

    def signed_in(self, result: str) -> None:
        """An attempt to sign in ended; ``signed_in`` if it succeeded."""

    def registered(self, result: str) -> None:
        """A registration ended; ``registered`` if it succeeded."""


@contextmanager
def observed(tell: Callable[[str], None], success: str) -> Iterator[None]:
    """Tell how the block ended."""
    try:
        yield
    except AccountsError as error:
        tell(error.result)
        raise
    tell(success)


class SigningIn:
    """Registers people and signs them in. Thread-safe.

    Args:
        people: Who is registered.
        sign_ins: Sessions that begin, and earlier attempts.
        hashing: Hashes passwords.
        granting: Makes sessions and tokens.
        observer: Told what became of it.
        clock: The time now.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what signing in brings together
        self,
        people: PersonStore,
        sign_ins: SignInStore,
        hashing: PasswordHashing,
        granting: Granting,
        observer: SignInObserver,
        clock: Clock,
    ) -> None:
        self._people = people
        self._sign_ins = sign_ins
        self._hashing = hashing
        self._granting = granting
        self._observer = observer
        self._clock = clock
        self._suspects = Suspects()

    def register(
        self,
        registration: Registration,
        client: Client,
        policy: PasswordPolicy,
        *,
        renewable: bool = True,
    ) -> Tokens:
        """Keep a new person and open a session.

        Raises:
            InvalidFieldsError: With everything that breaks a rule.
            LoginTakenError: Another person has the login.
            ThrottledError: Too many registrations from this address.
            HashingBusyError: Too many hash at this moment.
            AccountsUnavailableError: It is not known to be kept; if it was, the login is taken.
        """
        with observed(self._observer.registered, SignInResult.REGISTERED):
            person = self._new_person(registration, client, policy)
            holder = Holder(person.id, admin=False, email=person.profile.email)
            opening = self._granting.open(holder, client, person.created_at, renewable=renewable)
            entry = _entry(SignInResult.REGISTERED, client, person.created_at, holder.person_id)
            session = opening.session
            self._people.register(person, session, entry._replace(session_id=session.id))
        return self._granting.tokens(holder, opening)

    def _new_person(
        self, registration: Registration, client: Client, policy: PasswordPolicy
    ) -> NewPerson:
        """Check all that can be checked without a hash, then hash."""
        now = self._clock()
        faults = registration_faults(registration, policy, now.date())
        if faults:
            raise InvalidFieldsError(faults)
        wait = self._sign_ins.wait_to_register(client.address, now)
        if wait:
            raise ThrottledError("too many registrations from this address", wait)
        # Whoever comes second at the same time finds out when the person is stored.
        if self._people.credentials(login_key(registration.login)):
            raise LoginTakenError(registration.login)
        return hashed_person(registration, self._hashing, now)

    def login(self, login: str, password: str, client: Client, *, renewable: bool = True) -> Tokens:
        """Open a session for whoever knows the password.

        An unknown login takes as long as a wrong password: both are hashed and both are counted.

        Raises:
            WrongCredentialsError: Nobody has this login, or it has another password.
            AccountDisabledError: The password is right, the account is closed.
            ThrottledError: This login or address must wait after failures; nothing was hashed.
            HashingBusyError: Too many hash at this moment.
            AccountsUnavailableError: Whether it is right cannot be known now.
        """
        # No login has such characters, and the database takes none of them.
        key = login_key(login) if login.isprintable() else ""
        with observed(self._observer.signed_in, SignInResult.SIGNED_IN):
            for _ in range(_TRIES):
                known = self._proven(key, password, client)
                if tokens := self._opened(known, key, client, renewable=renewable):
                    return tokens
            raise AccountsUnavailableError("the account changes all the time")

    def change_password(
        self, change: PasswordChange, client: Client, policy: PasswordPolicy
    ) -> None:
        """Put another password in place of somebody's own; their other sessions end.

        Raises:
            WrongCredentialsError: The present password is another one; counted as a failed login.
            InvalidFieldsError: The new one breaks a rule.
            ThrottledError: There were failures; nothing was hashed.
            HashingBusyError: Too many hash at this moment.
            AccountsUnavailableError: It is not known to be changed.
        """
        person = self._people.person(change.person_id)
        login = person.login if person else None
        if login is None:
            raise WrongCredentialsError
        faults = policy.faults(change.new, login)
        form = prepared(change.new)
        if faults or form is None:
            raise InvalidFieldsError({"new_password": faults})
        key = login_key(login)
        known = self._proven(key, change.present, client)
        changed = self._hashing.hash(form)
        now = self._clock()
        entry = _entry(SignInResult.PASSWORD_CHANGED, client, now, change.person_id)
        entry = entry._replace(session_id=change.session_id)
        if not self._people.change_hash(known.password_hash, changed, entry):
            raise WrongCredentialsError

    def _proven(self, key: str, password: str, client: Client) -> Credentials:
        """Return whose login and password these are, when it is their turn.

        Who has to wait is refused before there is a turn to wait for, if this process knows of a
        failure; else before anything is hashed, also if somebody else failed meanwhile.
        """
        if self._suspects.last(key, client.address):
            self._admitted(key, client)
        with self._hashing.place() as place:
            before = self._suspects.last(key, client.address)
            known = self._admitted(key, client)

            def prove(hasher: Hasher) -> Credentials:
                failed_meanwhile = self._suspects.last(key, client.address) != before
                current = self._admitted(key, client) if failed_meanwhile else known
                return self._verified(current, key, password, client, hasher)

            return place.run(prove)

    def _admitted(self, key: str, client: Client) -> Credentials | None:
        """Return whose login this is, if it may be tried now."""
        wait, known = self._sign_ins.attempt(key, client.address, self._clock())
        if wait:
            self._suspects.add(key, client.address)
            raise ThrottledError("too many failed attempts", wait)
        return known

    def _verified(
        self,
        known: Credentials | None,
        key: str,
        password: str,
        client: Client,
        hasher: Hasher,
    ) -> Credentials:
        """Return those that were found, if the password is theirs. A failure is counted here."""
        form = prepared(password)
        hashed = known.password_hash if known else self._hashing.no_password
        right = hasher.verify(hashed, form or b"")
        if known is None or form is None or not right:
            person_id = known.person_id if known else None
            refusal = _entry(SignInResult.REFUSED, client, self._clock(), person_id)
            self._sign_ins.refused(refusal, key)
            # Only now: who looks here next must find it counted.
            self._suspects.add(key, client.address)
            raise WrongCredentialsError
        if hasher.is_outdated(hashed):
            renewed = hasher.hash(form)
            self._people.replace_hash(known.person_id, hashed, renewed)
            return known._replace(password_hash=renewed)
        return known

    def _opened(
        self, known: Credentials, key: str, client: Client, *, renewable: bool
    ) -> Tokens | None:
        """Open a session; None if password or rights are not those any more that were proven."""
        now = self._clock()
        holder = Holder(known.person_id, known.admin, known.email)
        opening = self._granting.open(holder, client, now, renewable=renewable)
        entry = _entry(SignInResult.SIGNED_IN, client, now, holder.person_id)
        entry = entry._replace(session_id=opening.session.id)
        if not known.disabled:
            if self._sign_ins.signed_in(opening.session, entry, key, known):
                return self._granting.tokens(holder, opening)
            current = self._people.credentials(key)
            if current is None or not current.disabled:
                return None
        disabled = entry._replace(session_id=None, result=SignInResult.DISABLED)
        self._sign_ins.record(disabled)
        raise AccountDisabledError


def _entry(result: SignInResult, client: Client, now: datetime, person_id: UUID | None) -> SignIn:
    return SignIn(new_id(), person_id, None, result, client, now)


def hashed_person(registration: Registration, hashing: PasswordHashing, now: datetime) -> NewPerson:
    """Return a new person whose password is hashed. The registration must have no faults."""
    form = prepared(registration.password)
    if form is None:
        raise InvalidFieldsError({"password": ["This cannot be a password."]})
    login, _, profile = registration
    return NewPerson(new_id(), login, login_key(login), hashing.hash(form), profile, now)


def registration_faults(
    registration: Registration, policy: PasswordPolicy, today: date
) -> Mapping[str, Sequence[str]]:
    """Return all that breaks a rule, by field."""
    login, password, profile = registration
    found = {
        "login": login_faults(login),
        "password": policy.faults(password, login),
        "email": [] if profile.email is None else email_faults(profile.email),
        "name": _name_faults(profile.name),
        "birthday": _birthday_faults(profile.birthday, today),
    }
    return {field: faults for field, faults in found.items() if faults}


def _name_faults(name: str | None) -> list[str]:
    if name is None or (name.strip() and len(name) <= _MAX_NAME and name.isprintable()):
        return []
    return [f"A name is 1 to {_MAX_NAME} characters, none of them a control one."]


def _birthday_faults(birthday: date | None, today: date) -> list[str]:
    if birthday is None or _EARLIEST_BIRTHDAY <= birthday <= today:
        return []
    return [f"A birthday lies between {_EARLIEST_BIRTHDAY} and today."]
