-- The tables of the usual way: ours with their constraints, without what only we keep (digest,
-- source, the indexes of the lists).
DROP SCHEMA IF EXISTS plain CASCADE;
CREATE SCHEMA plain;

CREATE TABLE plain.orders (LIKE orders.orders INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE plain.orders
    DROP COLUMN digest, DROP COLUMN source_stream, DROP COLUMN source_partition,
    DROP COLUMN source_offset, DROP COLUMN stored_at, ADD PRIMARY KEY (order_uid);

CREATE TABLE plain.deliveries (LIKE orders.deliveries INCLUDING ALL);
ALTER TABLE plain.deliveries
    ADD FOREIGN KEY (order_uid) REFERENCES plain.orders ON DELETE CASCADE;

CREATE TABLE plain.payments (LIKE orders.payments INCLUDING ALL);
ALTER TABLE plain.payments
    ADD FOREIGN KEY (order_uid) REFERENCES plain.orders ON DELETE CASCADE;

CREATE TABLE plain.items (LIKE orders.items INCLUDING ALL);
ALTER TABLE plain.items
    ADD FOREIGN KEY (order_uid) REFERENCES plain.orders ON DELETE CASCADE;
