-- Rules of reward, and the orders that are worth points by them. Prices and rewards are kept in
-- ten-thousandths, points in hundredths. An order that waits has a time at which it is due; a
-- calculator that takes it moves that to the end of its lease.

CREATE SCHEMA IF NOT EXISTS accrual;

CREATE TABLE IF NOT EXISTS accrual.rules (
    folded      text        PRIMARY KEY CHECK (folded <> ''),
    match       text        NOT NULL,
    reward      bigint      NOT NULL CHECK (reward > 0),
    reward_type varchar(2)  NOT NULL CHECK (reward_type IN ('%', 'pt')),
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS accrual.orders (
    number        varchar(255) PRIMARY KEY CHECK (number ~ '^[0-9]+$'),
    status        varchar(10)  NOT NULL DEFAULT 'REGISTERED'
                  CHECK (status IN ('REGISTERED', 'PROCESSING', 'INVALID', 'PROCESSED')),
    accrual       bigint       CHECK (accrual > 0),
    goods         jsonb        NOT NULL,
    registered_at timestamptz  NOT NULL DEFAULT now(),
    due_at        timestamptz  DEFAULT now(),
    calculated_at timestamptz,
    CHECK ((due_at IS NULL) = (status IN ('INVALID', 'PROCESSED'))),
    CHECK (accrual IS NULL OR status = 'PROCESSED')
) WITH (fillfactor = 80);

-- Only what waits is in it: finding the next order costs the same however many are finished.
CREATE INDEX IF NOT EXISTS orders_due ON accrual.orders (due_at) WHERE due_at IS NOT NULL;
