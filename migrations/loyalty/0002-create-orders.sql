-- The numbers of orders that people hope to get points for. One that is not finished has a time at
-- which the accrual system is asked next; a poller that takes it moves that to the end of its
-- lease. The gate holds all pollers while that system wants to be left alone.

CREATE TABLE IF NOT EXISTS loyalty.orders (
    number      varchar(255) PRIMARY KEY CHECK (number ~ '^[0-9]+$'),
    owner       uuid         NOT NULL,
    status      varchar(10)  NOT NULL DEFAULT 'NEW'
                CHECK (status IN ('NEW', 'PROCESSING', 'INVALID', 'PROCESSED')),
    accrual     bigint       CHECK (accrual > 0),
    uploaded_at timestamptz  NOT NULL DEFAULT now(),
    due_at      timestamptz  DEFAULT now(),
    failures    integer      NOT NULL DEFAULT 0 CHECK (failures >= 0),
    lease       uuid,
    finished_at timestamptz,
    CHECK ((due_at IS NULL) = (status IN ('INVALID', 'PROCESSED'))),
    CHECK (accrual IS NULL OR status = 'PROCESSED'),
    CHECK (lease IS NULL OR due_at IS NOT NULL)
) WITH (fillfactor = 80);

CREATE INDEX IF NOT EXISTS orders_of_owner ON loyalty.orders (owner, uploaded_at, number);

-- Only what is not finished is in it: finding the next number costs the same however many are.
CREATE INDEX IF NOT EXISTS orders_due ON loyalty.orders (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS loyalty.gate (
    id           boolean     PRIMARY KEY DEFAULT true CHECK (id),
    closed_until timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO loyalty.gate DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE INDEX IF NOT EXISTS withdrawals ON loyalty.entries (owner, id) WHERE target = 'withdrawn';

-- Finds how much had come in at a moment, and when a point came in: what expires, and when.
CREATE INDEX IF NOT EXISTS credits ON loyalty.entries (owner, created_at, target_credited)
    WHERE target = 'available';
