-- name: begin_purchase
INSERT INTO checkout.purchases (
    id, owner, product_id, description, quantity, price, currency, delivery, ask_at
)
VALUES (
    %(id)s, %(owner)s, %(product_id)s, %(description)s, %(quantity)s, %(price)s, %(currency)s,
    %(delivery)s, clock_timestamp() + %(ask_again_after)s * interval '1 second'
)
ON CONFLICT (id) DO NOTHING
RETURNING id

-- name: purchase
SELECT id, owner, product_id, description, quantity, price, currency, delivery,
    status, reason, awaiting_since IS NOT NULL, created_at, settled_at
FROM checkout.purchases
WHERE id = %(id)s AND (owner = %(owner)s OR %(owner)s IS NULL)

-- name: purchases_of
SELECT id, owner, product_id, description, quantity, price, currency, delivery,
    status, reason, awaiting_since IS NOT NULL, created_at, settled_at
FROM checkout.purchases
WHERE owner = %(owner)s AND id < %(before)s
ORDER BY id DESC
LIMIT %(limit)s

-- name: take_back_purchase
-- Compare and swap: of all who try, one changes the row.
UPDATE checkout.purchases
SET status = %(after)s, awaiting_since = clock_timestamp(), changed_at = clock_timestamp(),
    asked = 0, ask_at = clock_timestamp() + %(ask_again_after)s * interval '1 second'
WHERE id = %(id)s AND status = %(before)s
    AND (settled_at >= %(since)s OR %(since)s IS NULL)
RETURNING id

-- name: ask_again_about
UPDATE checkout.purchases
SET ask_at = clock_timestamp() + %(ask_again_after)s * interval '1 second',
    asked_at = clock_timestamp()
WHERE id = %(id)s AND awaiting_since IS NOT NULL
    AND coalesce(asked_at, created_at) < clock_timestamp() - interval '1 second'
RETURNING id, owner, product_id, description, quantity, price, currency, delivery,
    status, reason, awaiting_since IS NOT NULL, created_at, settled_at

-- name: ask_again
-- Later and later: what is not answered for long is not answered sooner by asking more often.
UPDATE checkout.purchases
SET asked = asked + 1,
    asked_at = clock_timestamp(),
    ask_at = clock_timestamp()
        + least(%(ask_again_after)s * power(2.0, least(asked + 1, 20)), 3600) * interval '1 second'
WHERE id IN (
    SELECT id FROM checkout.purchases
    WHERE awaiting_since IS NOT NULL AND ask_at <= clock_timestamp()
    ORDER BY awaiting_since
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id, owner, product_id, description, quantity, price, currency, delivery,
    status, reason, awaiting_since IS NOT NULL, created_at, settled_at

-- name: unsettled
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(awaiting_since)), 0)::float8
FROM checkout.purchases
WHERE awaiting_since IS NOT NULL

-- name: move_purchases
-- From which status an answer leads to which one. What was approved before a backup of payments and
-- refunded after a backup of checkout was taken finds its way, too. Anything else changes nothing.
WITH moves (before, outcome, after) AS (
    VALUES
        ('pending', 'approved', 'approved'),
        ('pending', 'rejected', 'rejected'),
        ('pending', 'cancelled', 'cancelled'),
        ('pending', 'refunded', 'cancelled'),
        ('cancelled', 'cancelled', 'cancelled'),
        ('cancelled', 'refunded', 'cancelled'),
        ('approved', 'refunded', 'refunded'),
        ('refunding', 'refunded', 'refunded'),
        ('refunding', 'cancelled', 'refunded')
)
UPDATE checkout.purchases AS purchase
SET status = moves.after,
    reason = answer.reason,
    awaiting_since = NULL,
    changed_at = clock_timestamp(),
    settled_at = coalesce(purchase.settled_at, clock_timestamp())
FROM unnest(%(purchases)s::uuid[], %(outcomes)s::text[], %(reasons)s::text[])
    AS answer (id, outcome, reason)
JOIN moves ON moves.outcome = answer.outcome
WHERE purchase.id = answer.id AND purchase.status = moves.before
    AND (purchase.status <> 'cancelled' OR purchase.awaiting_since IS NOT NULL)
RETURNING purchase.id, owner, product_id, description, quantity, price, currency, delivery,
    status, purchase.reason, awaiting_since IS NOT NULL, created_at, settled_at

-- name: take_back_rejected
UPDATE checkout.purchases
SET status = 'cancelled', reason = '', awaiting_since = clock_timestamp(),
    changed_at = clock_timestamp(), asked = 0,
    ask_at = clock_timestamp() + %(ask_again_after)s * interval '1 second'
WHERE id = ANY(%(purchases)s::uuid[]) AND status = 'rejected'
RETURNING id, owner, product_id, description, quantity, price, currency, delivery,
    status, reason, awaiting_since IS NOT NULL, created_at, settled_at

-- name: missing_purchases
SELECT id FROM unnest(%(purchases)s::uuid[]) AS wanted (id)
WHERE NOT EXISTS (SELECT FROM checkout.purchases AS purchase WHERE purchase.id = wanted.id)

-- name: purchase_claims
SELECT id, status, quantity * price, changed_at
FROM checkout.purchases
WHERE id > %(after)s
ORDER BY id
LIMIT %(limit)s
