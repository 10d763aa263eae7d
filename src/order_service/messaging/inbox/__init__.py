"""Messages whose effect is had once, however often they come.

The id of a message is recorded in the transaction of its effect, and of the messages that answer
it. A copy finds the id there and has no effect. Offsets are committed afterwards.

Every context that handles messages has a table of its own, made by a migration of its own:

.. code-block:: sql

    CREATE TABLE IF NOT EXISTS <schema>.inbox (
        message_id  uuid        PRIMARY KEY,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );

    CREATE INDEX IF NOT EXISTS inbox_received_at ON <schema>.inbox (received_at);

The service's role needs SELECT, INSERT and DELETE on it. Ids are forgotten after `RETENTION`; an
effect that must not be had twice even then has a UNIQUE of the business behind it.
"""

from .accepting import RETENTION, Inbox
from .handler import InboxHandler
from .ports import BatchEffects, Committed, Effects, IncomingMessage, Rejections, Storage

__all__ = [
    "RETENTION",
    "BatchEffects",
    "Committed",
    "Effects",
    "Inbox",
    "InboxHandler",
    "IncomingMessage",
    "Rejections",
    "Storage",
]
