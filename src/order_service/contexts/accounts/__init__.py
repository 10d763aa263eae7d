"""Accounts: people who sign in, their sessions, and the tokens that every part trusts."""

from collections.abc import Sequence

import click

from order_service.config import Config
from order_service.context import Context, Scope, Topic, Worker
from order_service.context.later import imported_later
from order_service.messaging.tables import rights_in

from .settings import SECTION, AccountsSettings


def _commands() -> Sequence[click.Command]:
    from .cli import accounts

    return [accounts]


def _topics(config: Config) -> Sequence[Topic]:
    return config.of(AccountsSettings).topics


_RELAY = Worker(
    name="accounts-relay",
    about="""Publish the registrations to their topic until SIGTERM.

    Any number may run; each person's events keep their order. With schema_registry.url they are
    written as its clients expect. While Kafka or the registry is away, people go on registering.
    """,
    needs=("postgres", "kafka"),
    open=imported_later(f"{__name__}.wiring.outbox:open_relay"),
)
_RPC = Worker(
    name="accounts-grpc",
    about="""Answer other services over gRPC until SIGTERM.

    At http.host and accounts.grpc.port, with health and reflection. Start as many as you like; a
    stop answers what was accepted. The calls are those of schemas/accounts/v1/accounts.proto.
    """,
    needs=("postgres",),
    open=imported_later(f"{__name__}.wiring.rpc:open_rpc"),
    ports=("accounts.grpc.port",),
)

CONTEXT = Context(
    name="accounts",
    section=SECTION,
    api=f"{__name__}.wiring.api",
    api_needs=("postgres",),
    scopes={"account": Scope("see and end one's own sessions", customers=True)},
    commands=_commands,
    topics=_topics,
    workers=(_RELAY, _RPC),
    rights={
        "accounts.people": ("SELECT",),
        "accounts.sessions": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "accounts.sign_ins": ("SELECT", "INSERT", "DELETE"),
        "accounts.failures": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "accounts.registration_rates": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "accounts.signing_keys": ("SELECT", "INSERT"),
        "accounts.refresh_keys": ("SELECT", "INSERT"),
        **rights_in("accounts", "outbox"),
    },
    checks=imported_later(f"{__name__}.checks:look_at_signing_keys"),
    visit=imported_later(f"{__name__}.demo:play"),
    masked_keys=frozenset({"access_token", "birthday", "email", "login", "refresh_token"}),
)
