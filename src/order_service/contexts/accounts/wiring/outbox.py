"""Puts the event of a registration into its transaction, and publishes it."""

from order_service.context.process import Process
from order_service.context.relaying import Relaying
from order_service.contexts.accounts.events import registration_message
from order_service.contexts.accounts.model import NewPerson
from order_service.contexts.accounts.postgres.people import Announce
from order_service.contexts.accounts.settings import AccountsSettings
from order_service.infra.postgres.database import Transaction
from order_service.messaging.outbox import Outbox
from order_service.messaging.outbox.ports import Topics

_SCHEMA = "accounts"


def announcing(settings: AccountsSettings) -> Announce:
    """Return what puts the event of a registration into the outbox."""
    outbox, topic = Outbox(_SCHEMA), settings.topic

    def announce(transaction: Transaction, person: NewPerson) -> None:
        outbox.add(transaction, registration_message(topic, person))

    return announce


def open_relay(process: Process) -> Relaying:
    """Return the relay of the registrations; with a registry, in the format of its clients."""
    registry = process.config.schema_registry

    def through(topics: Topics) -> Topics:
        if not registry.url:
            return topics
        from order_service.contexts.accounts import registry as wire  # noqa: PLC0415 - an extra

        return wire.RegisteredTopics(topics, registry.url, registry.login.reveal())

    return Relaying(process, _SCHEMA, process.config.of(AccountsSettings).topics, through)
