"""Publishes the events of registrations."""

from order_service.context.process import Process
from order_service.context.relaying import Relaying
from order_service.contexts.accounts.settings import AccountsSettings
from order_service.messaging.outbox.ports import Topics

from .announcing import SCHEMA


def open_relay(process: Process) -> Relaying:
    """Return the relay of the registrations; with a registry, in the format of its clients."""
    registry = process.config.schema_registry

    def through(topics: Topics) -> Topics:
        if not registry.url:
            return topics
        from order_service.contexts.accounts import registry as wire  # noqa: PLC0415 - an extra

        return wire.RegisteredTopics(topics, registry.url, registry.login.reveal())

    return Relaying(process, SCHEMA, process.config.of(AccountsSettings).topics, through)
