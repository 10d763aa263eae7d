"""What the accounts add to an API process: routes, and the check of people's tokens."""

import random
from functools import partial

from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.contexts.accounts.api.authenticator import TokenAuthenticator
from order_service.contexts.accounts.api.part import create_part
from order_service.contexts.accounts.api.services import AccountsServices
from order_service.contexts.accounts.postgres import Pruning
from order_service.contexts.accounts.upkeep import PRUNE_EVERY, Upkeep
from order_service.http.api_part import ApiPart
from order_service.http.rate_limit import ClientAddress
from order_service.infra.postgres.database import Database

from .parts import AccountsParts, now, retention

_UPKEEP_CONNECTIONS = 2
"""A fault of a request's pool must not keep the ended sessions from being read."""


def open_api(process: Process) -> ApiPart:
    """Return the routes on their backends; keys and ended sessions are read in the background."""
    background = process.database(_UPKEEP_CONNECTIONS)
    parts = AccountsParts(process, process.database(process.config.http.threads), background)
    process.last(partial(_begin, process, _upkeep(process, parts, background)))
    parts.metrics.revocations_age.set_function(lambda: parts.revocations.age)
    services = AccountsServices(
        parts.signing_in,
        parts.sessions,
        parts.people,
        parts.sign_ins,
        parts.verification,
        parts.keeping.keys,
        parts.policy,
        ClientAddress(process.config.http.proxies),
        secure_cookies=parts.settings.session.secure_cookies,
    )
    return create_part(
        services,
        TokenAuthenticator(parts.verification, parts.store, now),
        [CallCheck("accounts", parts.people.check, required=False)],
        [CallCheck("signing_keys", parts.keeping.keys, required=False)],
    )


def _begin(process: Process, upkeep: Upkeep) -> None:
    for thread in upkeep.start():
        process.ends(thread)


def _upkeep(process: Process, parts: AccountsParts, background: Database) -> Upkeep:
    pruning = Pruning(background, retention(parts.settings))
    return Upkeep(
        (parts.keeping.refresh, parts.revocations.refresh),
        lambda: pruning.run(now()),
        process.stopping,
        random.uniform(0, PRUNE_EVERY),  # noqa: S311 - not all processes at once
    )
