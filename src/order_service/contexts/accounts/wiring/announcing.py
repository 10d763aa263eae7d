"""Puts the event of a registration into its transaction.

Apart from the relay, which needs the library of Kafka: to load that is a fifth of the start of a
process.
"""

from order_service.contexts.accounts.events import registration_message
from order_service.contexts.accounts.model import NewPerson
from order_service.contexts.accounts.postgres.people import Announce
from order_service.contexts.accounts.settings import AccountsSettings
from order_service.infra.postgres.database import Transaction
from order_service.messaging.outbox import Outbox

SCHEMA = "accounts"


def announcing(settings: AccountsSettings) -> Announce:
    """Return what puts the event of a registration into the outbox."""
    outbox, topic = Outbox(SCHEMA), settings.topic

    def announce(transaction: Transaction, person: NewPerson) -> None:
        outbox.add(transaction, registration_message(topic, person))

    return announce
