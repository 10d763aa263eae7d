"""The accounts for operators, in the role that migrates."""

from datetime import timedelta
from typing import NamedTuple

from order_service.context.process import Process
from order_service.contexts.accounts.administration import Administration
from order_service.contexts.accounts.metrics import AccountsMetrics
from order_service.contexts.accounts.passwords import PasswordPolicy
from order_service.contexts.accounts.postgres import (
    PostgresAdministration,
    PostgresKeyStore,
    PostgresPeople,
    PostgresSignIns,
)
from order_service.contexts.accounts.settings import AccountsSettings
from order_service.contexts.accounts.tokens.keeping import KeyRotation

from .announcing import announcing
from .parts import hashing, key_keeping, now, throttling


class OperatorParts(NamedTuple):
    """What the commands call."""

    administration: Administration
    rotation: KeyRotation
    policy: PasswordPolicy


def operator_parts(process: Process) -> OperatorParts:
    """Return what operators do with accounts and keys."""
    settings, database = process.config.of(AccountsSettings), process.admin_database()
    store = PostgresKeyStore(database)
    lifetime = timedelta(seconds=settings.token.lifetime)
    administration = Administration(
        PostgresPeople(database, announcing(settings)),
        PostgresAdministration(database),
        PostgresSignIns(database, throttling(settings)),
        hashing(process, AccountsMetrics(process.registry)),
        now,
    )
    rotation = KeyRotation(store, key_keeping(store, settings), now, lifetime)
    return OperatorParts(administration, rotation, PasswordPolicy(settings.password.min_length))
