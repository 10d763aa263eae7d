-- Stored orders in any number, made by the database itself: %(first)s to %(last)s.
-- Ids are random in effect, as real ones are, so that inserts meet all pages of an index.
-- name: orders
INSERT INTO orders.orders
SELECT substr(md5(n::text), 1, 19), 'WB' || upper(substr(md5('t' || n), 1, 12)), 'WBIL', 'en', '',
       'customer-' || n %% 10000, 'meest', (n %% 10)::text, n %% 1000,
       timestamptz '2025-01-01Z' + n * interval '7 seconds', '1',
       decode(md5('d' || n), 'hex'), NULL, 0, n, now()
FROM generate_series(%(first)s::integer, %(last)s) n
-- name: deliveries
INSERT INTO orders.deliveries
SELECT substr(md5(n::text), 1, 19), 'Test Testov', '+9720000000', '2639809', 'Kiryat Mozkin',
       'Ploshad Mira ' || n, 'Kraiot', 'test' || n || '@gmail.com'
FROM generate_series(%(first)s::integer, %(last)s) n
-- name: payments
INSERT INTO orders.payments
SELECT uid, uid, '', 'USD', 'wbpay', 1817, 1637907727, 'alpha', 1500, 317, 0
FROM (SELECT substr(md5(n::text), 1, 19) AS uid
      FROM generate_series(%(first)s::integer, %(last)s) n) filled
-- name: items
INSERT INTO orders.items
SELECT substr(md5(n::text), 1, 19), position, 9934930, 'WBILMTESTTRACK', 453,
       substr(md5('r' || n), 1, 21), 'Mascaras', 30, '0', 317, 2389212, 'Vivienne Sabo', 202
FROM generate_series(%(first)s::integer, %(last)s) n, generate_series(1, 1 + n %% 3) position
