-- Wallets, what became of payments, and the messages of this context; see
-- order_service.messaging, which the tables of messages are copied from.

CREATE TABLE IF NOT EXISTS payments.wallets (
    id         uuid        PRIMARY KEY,
    owner      uuid        NOT NULL,
    currency   varchar(3)  NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner, currency)
);

-- One row a purchase, kept for ever: it is what makes a payment happen at most once, also when the
-- inbox has forgotten its request.
CREATE TABLE IF NOT EXISTS payments.payments (
    purchase   uuid        PRIMARY KEY,
    owner      uuid        NOT NULL,
    amount     bigint      NOT NULL CHECK (amount > 0),
    currency   varchar(3)  NOT NULL,
    outcome    varchar(16) NOT NULL
        CHECK (outcome IN ('approved', 'rejected', 'refunded', 'cancelled')),
    reason     varchar(32) NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((outcome = 'rejected') = (reason <> ''))
);

CREATE TABLE IF NOT EXISTS payments.outbox (
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
    ON payments.outbox (topic, key) WHERE blocked_until IS NOT NULL;

CREATE TABLE IF NOT EXISTS payments.inbox (
    message_id  uuid        PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS inbox_received_at ON payments.inbox (received_at);
