-- The orders, normalized: one order has one delivery, one payment and at least one item.
--
-- Every key leads with order_uid, so the four tables can be distributed by it. The rules
-- of an order that SQL can state are stated again here: the database is the last to check.
-- Statements can be run again, because a run that was killed may have left half of them.

CREATE SCHEMA IF NOT EXISTS orders;

CREATE TABLE IF NOT EXISTS orders.orders (
    order_uid          varchar(64) COLLATE "C"  PRIMARY KEY CHECK (order_uid <> ''),
    track_number       varchar(255) NOT NULL CHECK (track_number <> ''),
    entry              varchar(255) NOT NULL CHECK (entry <> ''),
    locale             varchar(255) NOT NULL CHECK (locale <> ''),
    internal_signature varchar(255) NOT NULL,
    customer_id        varchar(255) NOT NULL CHECK (customer_id <> ''),
    delivery_service   varchar(255) NOT NULL CHECK (delivery_service <> ''),
    shardkey           varchar(255) NOT NULL CHECK (shardkey <> ''),
    sm_id              integer      NOT NULL CHECK (sm_id >= 0),
    date_created       timestamptz  NOT NULL
        CHECK (date_created >= '1970-01-01Z' AND date_created < '10000-01-01Z'),
    oof_shard          varchar(255) NOT NULL CHECK (oof_shard <> ''),
    -- Digest of the canonical JSON: the same content is never written twice.
    digest             bytea        NOT NULL CHECK (octet_length(digest) = 16),
    -- Where the message stood; a message from before it never overwrites this row.
    source_stream      uuid,
    source_partition   integer      NOT NULL,
    source_offset      bigint       NOT NULL,
    stored_at          timestamptz  NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS orders.deliveries (
    order_uid varchar(64) COLLATE "C"  PRIMARY KEY REFERENCES orders.orders ON DELETE CASCADE,
    name      varchar(255) NOT NULL CHECK (name <> ''),
    phone     varchar(255) NOT NULL CHECK (phone <> ''),
    zip       varchar(255) NOT NULL CHECK (zip <> ''),
    city      varchar(255) NOT NULL CHECK (city <> ''),
    address   varchar(255) NOT NULL CHECK (address <> ''),
    region    varchar(255) NOT NULL CHECK (region <> ''),
    email     varchar(255) NOT NULL CHECK (email LIKE '%_@_%')
);

CREATE TABLE IF NOT EXISTS orders.payments (
    order_uid     varchar(64) COLLATE "C"  PRIMARY KEY REFERENCES orders.orders ON DELETE CASCADE,
    transaction   varchar(255) NOT NULL CHECK (transaction <> ''),
    request_id    varchar(255) NOT NULL,
    currency      varchar(3)   NOT NULL CHECK (length(currency) = 3),
    provider      varchar(255) NOT NULL CHECK (provider <> ''),
    amount        bigint       NOT NULL CHECK (amount >= 0),
    payment_dt    bigint       NOT NULL CHECK (payment_dt > 0),
    bank          varchar(255) NOT NULL CHECK (bank <> ''),
    delivery_cost bigint       NOT NULL CHECK (delivery_cost >= 0),
    goods_total   bigint       NOT NULL CHECK (goods_total >= 0),
    custom_fee    bigint       NOT NULL CHECK (custom_fee >= 0)
);

CREATE TABLE IF NOT EXISTS orders.items (
    order_uid    varchar(64) COLLATE "C"  NOT NULL REFERENCES orders.orders ON DELETE CASCADE,
    position     integer      NOT NULL CHECK (position >= 1),
    chrt_id      bigint       NOT NULL CHECK (chrt_id >= 0),
    track_number varchar(255) NOT NULL CHECK (track_number <> ''),
    price        bigint       NOT NULL CHECK (price >= 0),
    rid          varchar(255) NOT NULL CHECK (rid <> ''),
    name         varchar(255) NOT NULL CHECK (name <> ''),
    sale         integer      NOT NULL CHECK (sale >= 0),
    size         varchar(255) NOT NULL CHECK (size <> ''),
    total_price  bigint       NOT NULL CHECK (total_price >= 0),
    nm_id        bigint       NOT NULL CHECK (nm_id >= 0),
    brand        varchar(255) NOT NULL CHECK (brand <> ''),
    status       integer      NOT NULL CHECK (status >= 0),
    PRIMARY KEY (order_uid, position)
);

-- The lists: the newest of all (also the warm-up), of a customer, of a track number.
CREATE INDEX IF NOT EXISTS orders_newest
    ON orders.orders (date_created DESC, order_uid DESC);
CREATE INDEX IF NOT EXISTS orders_newest_of_customer
    ON orders.orders (customer_id, date_created DESC, order_uid DESC);
CREATE INDEX IF NOT EXISTS orders_newest_of_track_number
    ON orders.orders (track_number, date_created DESC, order_uid DESC);
