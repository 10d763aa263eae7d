-- The ledger of the wallets; see order_service.ledger, which these statements are copied from.

-- The ledger of a context. No account but those outside may be negative; a leg takes from one
-- account what it gives to the other, so that all accounts together always hold zero.

CREATE SCHEMA IF NOT EXISTS payments;

CREATE TABLE IF NOT EXISTS payments.balances (
    owner    uuid        NOT NULL,
    account  varchar(40) NOT NULL CHECK (account <> ''),
    credited bigint      NOT NULL DEFAULT 0 CHECK (credited >= 0),
    debited  bigint      NOT NULL DEFAULT 0 CHECK (debited >= 0),
    PRIMARY KEY (owner, account),
    CHECK (credited - debited >= 0 OR account = 'outside' OR account LIKE 'outside:%')
) WITH (fillfactor = 70);

CREATE TABLE IF NOT EXISTS payments.entries (
    owner           uuid         NOT NULL,
    id              bigint       GENERATED ALWAYS AS IDENTITY,
    transfer        uuid         NOT NULL,
    leg             smallint     NOT NULL CHECK (leg > 0),
    kind            varchar(32)  NOT NULL CHECK (kind <> ''),
    reference       varchar(255) NOT NULL DEFAULT '',
    source          varchar(40)  NOT NULL,
    target          varchar(40)  NOT NULL CHECK (target <> source),
    amount          bigint       NOT NULL CHECK (amount > 0),
    reverses        uuid,
    source_balance  bigint       NOT NULL,
    target_balance  bigint       NOT NULL,
    target_credited bigint       NOT NULL,
    created_at      timestamptz  NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, id),
    UNIQUE (owner, transfer, leg),
    UNIQUE (owner, reverses, leg),
    FOREIGN KEY (owner, reverses, leg) REFERENCES payments.entries (owner, transfer, leg)
);

CREATE TABLE IF NOT EXISTS payments.idempotency_keys (
    owner      uuid         NOT NULL,
    key        varchar(255) NOT NULL CHECK (key <> ''),
    digest     bytea        NOT NULL CHECK (octet_length(digest) = 32),
    answer     bytea        NOT NULL,
    created_at timestamptz  NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);

CREATE INDEX IF NOT EXISTS idempotency_keys_age ON payments.idempotency_keys (created_at);
