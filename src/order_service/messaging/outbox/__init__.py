"""Messages that leave with the change that they tell of.

A use case adds a message in the transaction of its change: both are committed, or neither is. A
relay (`relay`) publishes what is committed, deletes what the brokers have acknowledged, and keeps
the order of each key. It may publish a message twice, never lose one.

Every context has a table of its own, made by a migration of its own:

.. code-block:: sql

    CREATE TABLE IF NOT EXISTS <schema>.outbox (
        id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id    uuid        NOT NULL,
        topic         text        NOT NULL,
        key           bytea       NOT NULL,
        value         bytea,
        headers       jsonb       NOT NULL,
        shard         smallint    NOT NULL CHECK (shard BETWEEN 0 AND 15),
        created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        attempts      integer     NOT NULL DEFAULT 0,
        last_error    text,
        blocked_until timestamptz
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

    CREATE INDEX IF NOT EXISTS outbox_blocked
        ON <schema>.outbox (topic, key) WHERE blocked_until IS NOT NULL;

The service's role needs SELECT, INSERT, UPDATE and DELETE on it.
"""

from .adding import SHARDS, Outbox, OutgoingMessage, shard_of

__all__ = ["SHARDS", "Outbox", "OutgoingMessage", "shard_of"]
