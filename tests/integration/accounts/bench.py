"""The use cases on a real database, with a clock that the test sets and cheap hashes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
from argon2 import Parameters

from order_service.contexts.accounts.administration import Administration
from order_service.contexts.accounts.granting import Granting, Lifetimes
from order_service.contexts.accounts.hashing import PARAMETERS, PasswordHashing
from order_service.contexts.accounts.model import Client, NewPerson, Profile, SignIn, Tokens
from order_service.contexts.accounts.passwords import PasswordPolicy
from order_service.contexts.accounts.ports import SignInPosition
from order_service.contexts.accounts.postgres import (
    PostgresAdministration,
    PostgresKeyStore,
    PostgresPeople,
    PostgresSessions,
    PostgresSignIns,
    Throttling,
)
from order_service.contexts.accounts.revocations import Revocations
from order_service.contexts.accounts.sessions import Sessions
from order_service.contexts.accounts.signing_in import Registration, SigningIn
from order_service.contexts.accounts.tokens.claims import Audience, Identity
from order_service.contexts.accounts.tokens.issuing import Scopes, TokenIssuing
from order_service.contexts.accounts.tokens.keeping import KeyKeeping, KeyRotation
from order_service.contexts.accounts.tokens.sealing import KeySealing
from order_service.contexts.accounts.tokens.verification import TokenVerification
from order_service.infra.postgres.database import Database, Transaction

PASSWORD = "correct horse battery"
WRONG = "incorrect horse battery"
POLICY = PasswordPolicy(10)
AUDIENCE = Audience("order-service", "order-service")
IDLE, LONGEST = timedelta(days=30), timedelta(days=90)
TOKEN_LIFE = timedelta(minutes=15)
HERE = Client("192.0.2.1", "tests")
THROTTLING = Throttling()
START = datetime(2026, 11, 26, 12, tzinfo=UTC)

CHEAP = Parameters(
    type=PARAMETERS.type,
    version=19,
    salt_len=16,
    hash_len=32,
    time_cost=1,
    memory_cost=8,
    parallelism=1,
)


def wipe(admin: psycopg.Connection[object]) -> None:
    """Leave no account and no key behind."""
    forget_people(admin)
    admin.execute("TRUNCATE accounts.signing_keys, accounts.refresh_keys")


def forget_people(admin: psycopg.Connection[object]) -> None:
    """Leave no account behind; processes that run go on with the keys that they have read."""
    admin.execute(
        "TRUNCATE accounts.people, accounts.sessions, accounts.sign_ins, accounts.failures,"
        " accounts.registration_rates"
    )


class Log:
    """What observers were told."""

    def __init__(self) -> None:
        self.results: list[str] = []

    def signed_in(self, result: str) -> None:
        self.results.append(result)

    registered = renewed = signed_in

    def hashing(self, count: int) -> None:
        pass

    def hashing_refused(self) -> None:
        self.results.append("busy")


class AccountsBench:
    """One process of the service, as far as accounts are concerned."""

    def __init__(
        self,
        database: Database,
        throttling: Throttling = THROTTLING,
        *,
        secret: str = "",
        parameters: Parameters = CHEAP,
        admin: Database | None = None,
    ) -> None:
        self.now = START
        self.log = Log()
        self.events: list[NewPerson] = []
        self.people = PostgresPeople(database, self._announce)
        self.sign_ins = PostgresSignIns(database, throttling)
        self.store = PostgresSessions(database, IDLE)
        self.key_store = PostgresKeyStore(database)
        self.people_administration = PostgresAdministration(admin or database)
        self.keeping = KeyKeeping(
            self.key_store, KeySealing(secret), self.clock, timedelta(minutes=15)
        )
        self.operators_keys = PostgresKeyStore(admin or database)
        self.rotation = KeyRotation(self.operators_keys, self.keeping, self.clock, TOKEN_LIFE)
        self.hashing = PasswordHashing(self.log, 2, 16, parameters)
        self.administration = Administration(
            self.people, self.people_administration, self.sign_ins, self.hashing, self.clock
        )
        lifetimes = Lifetimes(IDLE, LONGEST)
        scopes = Scopes("account", "account orders:read")
        issuing = TokenIssuing(AUDIENCE, scopes, 900, self.unix)
        granting = Granting(self.keeping.keys, issuing, lifetimes)
        self.signing_in = SigningIn(
            self.people, self.sign_ins, self.hashing, granting, self.log, self.clock
        )
        self.sessions = Sessions(
            self.store, self.sign_ins, self.keeping.keys, granting, lifetimes, self.log, self.clock
        )
        self.revocations = Revocations(self.store, TOKEN_LIFE, self.clock, self.unix)
        self.verification = TokenVerification(
            AUDIENCE, self.keeping.keys, self.revocations, clock=self.unix
        )
        self.keeping.refresh()

    def close(self) -> None:
        self.hashing.close()

    def clock(self) -> datetime:
        return self.now

    def unix(self) -> float:
        return self.now.timestamp()

    def passes(self, **length: float) -> None:
        """Let time pass."""
        self.now += timedelta(**length)

    def _announce(self, _: Transaction, person: NewPerson) -> None:
        self.events.append(person)

    def register(self, login: str = "ann", client: Client = HERE) -> Tokens:
        return self.signing_in.register(Registration(login, PASSWORD, Profile()), client, POLICY)

    def login(self, login: str = "ann", password: str = PASSWORD, client: Client = HERE) -> Tokens:
        return self.signing_in.login(login, password, client)

    def renew(self, tokens: Tokens) -> Tokens:
        return self.sessions.renew(tokens.refresh_token, HERE)

    def verify(self, tokens: Tokens) -> Identity:
        return self.verification.verify(tokens.access_token)

    def position(self, entry: SignIn) -> SignInPosition:
        return SignInPosition(entry.at, entry.id)

    def results_of(self, tokens: Tokens) -> Sequence[str]:
        """The audit trail of a person, oldest first."""
        trail = self.sign_ins.of_person(tokens.person_id, 100, None)
        return [entry.result.value for entry in reversed(trail)]


@contextmanager
def fails_with(kind: type[Exception]) -> Iterator[None]:
    """Expect exactly this error."""
    try:
        yield
    except kind as error:
        assert type(error) is kind  # noqa: PT017 - no subclass either
    else:
        raise AssertionError(f"no {kind.__name__}")
