-- Purchases, and the messages of this context; see order_service.messaging and
-- order_service.ledger, which the tables of messages and of idempotency keys are copied from.

CREATE SCHEMA IF NOT EXISTS checkout;

CREATE TABLE IF NOT EXISTS checkout.purchases (
    id             uuid         PRIMARY KEY,
    owner          uuid         NOT NULL,
    product_id     varchar(64)  NOT NULL CHECK (product_id <> ''),
    description    varchar(255) NOT NULL CHECK (description <> ''),
    quantity       bigint       NOT NULL CHECK (quantity > 0),
    price          bigint       NOT NULL CHECK (price > 0),
    currency       varchar(3)   NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- JSON as text: it is written once, never searched, and goes on as it is.
    delivery       text,
    status         varchar(16)  NOT NULL DEFAULT 'pending' CHECK (
        status IN ('pending', 'approved', 'rejected', 'cancelled', 'refunding', 'refunded')
    ),
    reason         varchar(32)  NOT NULL DEFAULT '',
    created_at     timestamptz  NOT NULL DEFAULT clock_timestamp(),
    changed_at     timestamptz  NOT NULL DEFAULT clock_timestamp(),
    settled_at     timestamptz,
    awaiting_since timestamptz  DEFAULT clock_timestamp(),
    ask_at         timestamptz  NOT NULL,
    asked_at       timestamptz,
    asked          integer      NOT NULL DEFAULT 0,
    CHECK ((status = 'rejected') = (reason <> '')),
    CHECK (status NOT IN ('pending', 'refunding') OR awaiting_since IS NOT NULL),
    CHECK (status NOT IN ('approved', 'rejected', 'refunded') OR awaiting_since IS NULL)
);

CREATE INDEX IF NOT EXISTS purchases_owner ON checkout.purchases (owner, id);

-- As small as what waits, whatever was bought before.
CREATE INDEX IF NOT EXISTS purchases_awaiting
    ON checkout.purchases (awaiting_since) WHERE awaiting_since IS NOT NULL;

CREATE TABLE IF NOT EXISTS checkout.idempotency_keys (
    owner      uuid         NOT NULL,
    key        varchar(255) NOT NULL CHECK (key <> ''),
    digest     bytea        NOT NULL CHECK (octet_length(digest) = 32),
    answer     bytea        NOT NULL,
    created_at timestamptz  NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);

CREATE INDEX IF NOT EXISTS idempotency_keys_age ON checkout.idempotency_keys (created_at);

CREATE TABLE IF NOT EXISTS checkout.outbox (
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
    ON checkout.outbox (topic, key) WHERE blocked_until IS NOT NULL;

CREATE TABLE IF NOT EXISTS checkout.inbox (
    message_id  uuid        PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS inbox_received_at ON checkout.inbox (received_at);
