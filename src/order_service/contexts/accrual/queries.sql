-- name: add_rule
INSERT INTO accrual.rules (folded, match, reward, reward_type)
VALUES (%(folded)s, %(match)s, %(reward)s, %(reward_type)s)
ON CONFLICT (folded) DO NOTHING
RETURNING true

-- name: add_order
INSERT INTO accrual.orders (number, goods)
VALUES (%(number)s, %(goods)s)
ON CONFLICT (number) DO NOTHING
RETURNING true

-- name: find_order
SELECT status, accrual FROM accrual.orders WHERE number = %(number)s

-- name: all_rules
SELECT match, reward, reward_type FROM accrual.rules

-- name: claim_orders
UPDATE accrual.orders
SET status = 'PROCESSING', due_at = now() + %(lease)s * interval '1 second'
WHERE number IN (
    SELECT number FROM accrual.orders
    WHERE due_at <= now()
    ORDER BY due_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING number, goods

-- name: finish_orders
UPDATE accrual.orders AS o
SET status = c.status, accrual = c.accrual, due_at = NULL, calculated_at = now()
FROM unnest(%(numbers)s::text[], %(statuses)s::text[], %(accruals)s::bigint[])
    AS c (number, status, accrual)
WHERE o.number = c.number AND o.due_at IS NOT NULL
RETURNING o.number, o.status, o.accrual
