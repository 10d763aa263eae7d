"""What every process of the accounts is made of."""

import time
from datetime import UTC, datetime, timedelta

from order_service.context.process import Process
from order_service.contexts.accounts.granting import Granting, Lifetimes
from order_service.contexts.accounts.hashing import PasswordHashing
from order_service.contexts.accounts.metrics import AccountsMetrics
from order_service.contexts.accounts.passwords import PasswordPolicy
from order_service.contexts.accounts.postgres import (
    PostgresKeyStore,
    PostgresPeople,
    PostgresSessions,
    PostgresSignIns,
    Retention,
    Throttling,
)
from order_service.contexts.accounts.revocations import Revocations
from order_service.contexts.accounts.sessions import Sessions
from order_service.contexts.accounts.settings import AccountsSettings
from order_service.contexts.accounts.signing_in import SigningIn
from order_service.contexts.accounts.spare_cores import SpareCores, own_cores
from order_service.contexts.accounts.tokens.claims import Audience
from order_service.contexts.accounts.tokens.issuing import Scopes, TokenIssuing
from order_service.contexts.accounts.tokens.keeping import KeyKeeping
from order_service.contexts.accounts.tokens.sealing import KeySealing
from order_service.contexts.accounts.tokens.verification import TokenVerification
from order_service.infra.postgres.database import Database

from .announcing import announcing

_UNUSED_KEPT = timedelta(days=1)
"""How long ended sessions and old failures are kept: longer than any access token lives."""


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class AccountsParts:
    """The use cases and adapters of one process.

    Args:
        process: Whose process it is.
        database: For requests, as the service's role.
        background: For what is read every second, which must not wait behind requests.
    """

    def __init__(self, process: Process, database: Database, background: Database) -> None:
        settings = process.config.of(AccountsSettings)
        self.settings = settings
        self.metrics = AccountsMetrics(process.registry)
        self.people = PostgresPeople(database, announcing(settings))
        self.sign_ins = PostgresSignIns(database, throttling(settings))
        self.store = PostgresSessions(database, timedelta(days=settings.session.idle_days))
        self.keeping = key_keeping(PostgresKeyStore(background), settings)
        self.hashing = hashing(process, self.metrics)
        lifetimes = Lifetimes(
            timedelta(days=settings.session.idle_days),
            timedelta(days=settings.session.longest_days),
        )
        issuing = TokenIssuing(audience(settings), scopes_of(process), settings.token.lifetime)
        granting = Granting(self.keeping.keys, issuing, lifetimes)
        self.signing_in = SigningIn(
            self.people, self.sign_ins, self.hashing, granting, self.metrics, now
        )
        self.sessions = Sessions(
            self.store, self.sign_ins, self.keeping.keys, granting, lifetimes, self.metrics, now
        )
        ended = PostgresSessions(background, timedelta(days=settings.session.idle_days))
        lifetime = timedelta(seconds=settings.token.lifetime)
        self.revocations = Revocations(ended, lifetime, now)
        self.verification = TokenVerification(
            audience(settings),
            self.keeping.keys,
            self.revocations,
            clock=time.time,
        )

    @property
    def policy(self) -> PasswordPolicy:
        """Which passwords may be chosen."""
        return PasswordPolicy(self.settings.password.min_length)


def key_keeping(store: PostgresKeyStore, settings: AccountsSettings) -> KeyKeeping:
    """Return what knows the keys."""
    sealing = KeySealing(settings.key_secret.reveal())
    lifetime = timedelta(seconds=settings.token.lifetime)
    return KeyKeeping(store, sealing, now, lifetime, settings.shared_secret)


def hashing(process: Process, metrics: AccountsMetrics) -> PasswordHashing:
    """Return what hashes: as many at once as the process has cores for itself."""
    http, settings = process.config.http, process.config.of(AccountsSettings)
    cores, workers = own_cores(), http.workers
    spare = SpareCores(cores)
    made = PasswordHashing(
        metrics,
        max(1, len(cores) // workers),
        settings.password.queue,
        spare=lambda: max(1, spare.count() // workers),
    )
    process.closes(made.close)
    return made


def audience(settings: AccountsSettings) -> Audience:
    """Return what tokens say of who issues and who accepts them."""
    return Audience(settings.token.issuer, settings.token.audience, settings.token.lifetime)


def scopes_of(process: Process) -> Scopes:
    """Return what tokens admit to: an admin is a customer, too."""
    customers = {name for name, scope in process.scopes.items() if scope.customers}
    admins = {name for name, scope in process.scopes.items() if scope.admins}
    return Scopes(" ".join(sorted(customers)), " ".join(sorted(customers | admins)))


def throttling(settings: AccountsSettings) -> Throttling:
    """Return who has to wait."""
    chosen = settings.throttle
    return Throttling(
        free=chosen.free_failures,
        longest=timedelta(seconds=chosen.longest_delay),
        registrations=chosen.registrations_per_minute,
    )


def retention(settings: AccountsSettings) -> Retention:
    """Return how long what has passed is kept."""
    return Retention(
        sign_ins=timedelta(days=settings.sign_ins_kept_days),
        sessions=timedelta(seconds=settings.token.lifetime) + _UNUSED_KEPT,
        failures=timedelta(seconds=settings.throttle.longest_delay) + _UNUSED_KEPT,
        idle=timedelta(days=settings.session.idle_days),
    )
