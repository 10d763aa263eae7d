"""The process that answers other services over gRPC."""

import random

from order_service.context import Work
from order_service.context.checks import CallCheck
from order_service.context.process import Process
from order_service.contexts.accounts.metrics import RpcMetrics
from order_service.contexts.accounts.rpc.guarding import Guarding
from order_service.contexts.accounts.rpc.server import SERVICE, RpcListening, RpcServing
from order_service.contexts.accounts.rpc.service import AccountsRpc, RpcParts
from order_service.contexts.accounts.upkeep import PRUNE_EVERY, Upkeep

from .parts import AccountsParts, now


def open_rpc(process: Process) -> Work:
    """Return the server; keys and ended sessions are read in the background."""
    http = process.config.http
    parts = AccountsParts(process, process.database(http.threads), process.database(1))
    known = (parts.keeping.refresh, parts.revocations.refresh)
    # What has passed is deleted by the API.
    upkeep = Upkeep(known, lambda: 0, process.stopping, random.uniform(0, PRUNE_EVERY))  # noqa: S311
    for thread in upkeep.start():
        process.ends(thread)
    service = AccountsRpc(
        RpcParts(
            parts.signing_in,
            parts.sessions,
            parts.people,
            parts.store,
            parts.verification,
            parts.policy,
            now,
        )
    )
    return RpcServing(
        RpcListening(http.host, parts.settings.grpc, http.threads),
        service,
        Guarding(SERVICE, RpcMetrics(process.registry)),
        [CallCheck("accounts", parts.keeping.keys, required=True)],
        process.stopping.wait,
    )
