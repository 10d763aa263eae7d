-- name: add_number
WITH added AS (
    INSERT INTO loyalty.orders (number, owner)
    VALUES (%(number)s, %(owner)s)
    ON CONFLICT (number) DO NOTHING
    RETURNING number
)
SELECT true, NULL::uuid FROM added
UNION ALL
SELECT false, owner FROM loyalty.orders
WHERE number = %(number)s AND NOT EXISTS (SELECT FROM added)

-- name: add_numbers
WITH wanted AS (
    SELECT * FROM unnest(%(numbers)s::text[], %(owners)s::uuid[]) AS wanted (number, owner)
),
added AS (
    INSERT INTO loyalty.orders (number, owner)
    SELECT number, owner FROM wanted ORDER BY number
    ON CONFLICT (number) DO NOTHING
    RETURNING number
)
SELECT w.number, CASE WHEN a.number IS NULL THEN coalesce(o.owner, w.owner) END
FROM wanted AS w
LEFT JOIN added AS a USING (number)
LEFT JOIN loyalty.orders AS o USING (number)

-- name: numbers_of
SELECT number, status, accrual, uploaded_at
FROM loyalty.orders
WHERE owner = %(owner)s AND (uploaded_at, number) < (%(uploaded_at)s, %(number)s)
ORDER BY uploaded_at DESC, number DESC
LIMIT %(limit)s

-- name: claim_numbers
UPDATE loyalty.orders
SET lease = %(lease)s, due_at = now() + %(seconds)s * interval '1 second'
WHERE number IN (
    SELECT number FROM loyalty.orders
    WHERE due_at <= now()
      AND NOT EXISTS (SELECT FROM loyalty.gate WHERE closed_until > now())
    ORDER BY due_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING number, extract(epoch FROM now() - uploaded_at)::float8, failures

-- name: settle_numbers
UPDATE loyalty.orders AS o
SET status = coalesce(r.status, o.status),
    accrual = r.accrual,
    due_at = now() + r.delay * interval '1 second',
    failures = r.failures,
    lease = NULL,
    finished_at = CASE WHEN r.delay IS NULL THEN now() END
FROM unnest(
    %(numbers)s::text[], %(statuses)s::text[], %(accruals)s::bigint[], %(delays)s::float8[],
    %(failures)s::int[]
) AS r (number, status, accrual, delay, failures)
WHERE o.number = r.number AND o.lease = %(lease)s
RETURNING o.number, o.owner, o.accrual

-- name: release_numbers
UPDATE loyalty.orders SET lease = NULL, due_at = now()
WHERE number = ANY(%(numbers)s::text[]) AND lease = %(lease)s
RETURNING number

-- name: overdue
SELECT extract(epoch FROM now() - min(due_at))::float8 FROM loyalty.orders WHERE due_at IS NOT NULL

-- name: gate_closed_for
SELECT extract(epoch FROM closed_until - now())::float8
FROM loyalty.gate WHERE closed_until > now()

-- name: close_gate
UPDATE loyalty.gate
SET closed_until = greatest(closed_until, now() + %(seconds)s * interval '1 second')
RETURNING closed_until

-- name: withdrawals_of
SELECT w.id, w.reference, w.amount, w.created_at
FROM loyalty.entries AS w
WHERE w.owner = %(owner)s AND w.id < %(before)s
  AND w.target = 'withdrawn' AND w.kind = 'withdrawal'
  AND NOT EXISTS (
      SELECT FROM loyalty.entries AS r
      WHERE r.owner = w.owner AND r.reverses = w.transfer AND r.leg = w.leg
  )
ORDER BY w.id DESC
LIMIT %(limit)s

-- name: is_reversal
SELECT true FROM loyalty.entries
WHERE owner = %(owner)s AND transfer = %(movement)s AND reverses IS NOT NULL
LIMIT 1

-- name: lock_points
SELECT true FROM loyalty.balances
WHERE owner = %(owner)s AND account = 'available'
FOR UPDATE

-- name: lock_movement
SELECT pg_advisory_xact_lock(hashtextextended(%(movement)s, 0))::text

-- name: expired_of
-- Points are spent in the order in which they came: of all that had come in by a moment, those are
-- left that exceed all that ever went out. The sums grow in the order of the locks, the times are
-- those at which transactions began: the newest that is too old may not have the largest sum.
SELECT c.target_credited, c.target_credited - b.debited
FROM loyalty.balances AS b
CROSS JOIN LATERAL (
    SELECT e.target_credited FROM loyalty.entries AS e
    WHERE e.owner = b.owner AND e.target = 'available' AND e.target_credited > b.debited
      AND e.created_at <= now() - %(lifetime)s * interval '1 second'
    ORDER BY e.target_credited DESC
    LIMIT 1
) AS c
WHERE b.owner = %(owner)s AND b.account = 'available'

-- name: next_expiry_of
SELECT
    e.created_at + %(lifetime)s * interval '1 second',
    least(e.amount, e.target_credited - b.debited)
FROM loyalty.balances AS b
CROSS JOIN LATERAL (
    SELECT e.created_at, e.amount, e.target_credited FROM loyalty.entries AS e
    WHERE e.owner = b.owner AND e.target = 'available' AND e.target_credited > b.debited
    ORDER BY e.target_credited
    LIMIT 1
) AS e
WHERE b.owner = %(owner)s AND b.account = 'available' AND b.credited > b.debited

-- name: expiring_after
WITH page AS (
    SELECT owner, debited FROM loyalty.balances
    WHERE owner > %(after)s AND account = 'available' AND credited > debited
    ORDER BY owner
    LIMIT %(limit)s
)
SELECT p.owner, c.target_credited IS NOT NULL
FROM page AS p
LEFT JOIN LATERAL (
    SELECT e.target_credited FROM loyalty.entries AS e
    WHERE e.owner = p.owner AND e.target = 'available' AND e.target_credited > p.debited
      AND e.created_at <= now() - %(lifetime)s * interval '1 second'
    ORDER BY e.target_credited DESC
    LIMIT 1
) AS c ON true
ORDER BY p.owner
