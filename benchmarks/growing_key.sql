-- The dependent table {table}, keyed by the number of its order instead of the uid.
-- name: make
CREATE TABLE orders.numbered (LIKE orders.{table} INCLUDING CONSTRAINTS)
-- name: add_number
ALTER TABLE orders.numbered ADD number bigint
-- name: fill
INSERT INTO orders.numbered
SELECT old.*, number FROM orders.{table} AS old JOIN orders.orders USING (order_uid)
ORDER BY number
-- name: drop_uid
ALTER TABLE orders.numbered DROP order_uid
-- name: drop_old
DROP TABLE orders.{table}
-- name: rename
ALTER TABLE orders.numbered RENAME TO {table}
-- name: key
ALTER TABLE orders.{table}
    ADD PRIMARY KEY ({key}),
    ADD FOREIGN KEY (number) REFERENCES orders.orders (number) ON DELETE CASCADE
