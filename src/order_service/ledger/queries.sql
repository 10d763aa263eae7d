-- name: post_transfers
-- The rows are locked in sorted order before they are judged, so what is judged is the newest. The
-- new sums are made of what was locked: the statement's snapshot may still show an older row, and
-- Postgres checks a row that is made of it before it notices.
WITH legs AS (
    SELECT * FROM unnest(
        %(transfers)s::uuid[], %(kinds)s::text[], %(references)s::text[], %(numbers)s::smallint[],
        %(owners)s::uuid[], %(sources)s::text[], %(targets)s::text[], %(amounts)s::bigint[]
    ) WITH ORDINALITY
        AS leg (transfer, kind, reference, number, owner, source, target, amount, position)
),
changes AS (
    SELECT owner, account, sum(credit) AS credit, sum(debit) AS debit
    FROM (
        SELECT owner, source AS account, 0 AS credit, amount AS debit FROM legs
        UNION ALL
        SELECT owner, target, amount, 0 FROM legs
    ) AS sides
    GROUP BY owner, account
),
locked AS (
    SELECT b.owner, b.account, b.credited, b.debited, c.credit, c.debit
    FROM {schema}.balances AS b JOIN changes AS c USING (owner, account)
    ORDER BY b.owner, b.account
    FOR UPDATE OF b
),
verdict AS (
    SELECT
        count(*) = (SELECT count(*) FROM changes) AS complete,
        coalesce(bool_and(
            account = 'outside' OR account LIKE 'outside:%%'
            OR credited + credit >= debited + debit
        ), true) AS covered,
        coalesce(bool_and(
            greatest(credited + credit, debited + debit) <= %(max_total)s
        ), true) AS bounded
    FROM locked
),
changed AS (
    UPDATE {schema}.balances AS b
    SET credited = l.credited + l.credit, debited = l.debited + l.debit
    FROM locked AS l
    WHERE b.owner = l.owner AND b.account = l.account
      AND (SELECT complete AND covered AND bounded FROM verdict)
    RETURNING b.owner, b.account, b.credited, b.debited
),
posted AS (
    INSERT INTO {schema}.entries (
        owner, transfer, leg, kind, reference, source, target, amount, reverses,
        source_balance, target_balance, target_credited
    )
    SELECT
        leg.owner, leg.transfer, leg.number, leg.kind, leg.reference, leg.source, leg.target,
        leg.amount, %(reverses)s::uuid,
        s.credited - s.debited, t.credited - t.debited, t.credited
    FROM legs AS leg
    JOIN changed AS s ON s.owner = leg.owner AND s.account = leg.source
    JOIN changed AS t ON t.owner = leg.owner AND t.account = leg.target
    ORDER BY leg.position
)
SELECT v.complete, v.covered, v.bounded, c.owner, c.account, c.credited, c.debited
FROM verdict AS v LEFT JOIN changed AS c ON true

-- name: open_accounts
INSERT INTO {schema}.balances (owner, account)
SELECT DISTINCT owner, account
FROM unnest(%(owners)s::uuid[], %(accounts)s::text[]) AS wanted (owner, account)
ORDER BY owner, account
ON CONFLICT (owner, account) DO NOTHING
RETURNING owner

-- name: balances_of
SELECT account, credited, debited FROM {schema}.balances WHERE owner = %(owner)s

-- name: is_posted
SELECT true FROM {schema}.entries WHERE owner = %(owner)s AND transfer = %(transfer)s LIMIT 1

-- name: legs_of
SELECT
    e.leg, e.owner, e.source, e.target, e.amount, e.reference,
    EXISTS (
        SELECT FROM {schema}.entries AS r
        WHERE r.owner = e.owner AND r.reverses = e.transfer AND r.leg = e.leg
    )
FROM {schema}.entries AS e
WHERE e.owner = ANY(%(owners)s::uuid[]) AND e.transfer = %(transfer)s
ORDER BY e.leg

-- name: entries_of
SELECT
    id, transfer, kind, reference, source, target, amount, reverses,
    source_balance, target_balance, created_at
FROM {schema}.entries
WHERE owner = %(owner)s AND id < %(before)s
ORDER BY id DESC
LIMIT %(limit)s

-- name: begin_command
SELECT
    pg_try_advisory_xact_lock(hashtextextended(%(lock)s, 0)),
    kept.digest,
    kept.answer,
    kept.created_at <= now() - %(kept_for)s * interval '1 second'
FROM (VALUES (1)) AS one
LEFT JOIN {schema}.idempotency_keys AS kept
    ON kept.owner = %(owner)s AND kept.key = %(key)s

-- name: keep_answer
INSERT INTO {schema}.idempotency_keys AS kept (owner, key, digest, answer)
VALUES (%(owner)s, %(key)s, %(digest)s, %(answer)s)
ON CONFLICT (owner, key) DO UPDATE
SET digest = excluded.digest, answer = excluded.answer, created_at = now()
WHERE kept.created_at <= now() - %(kept_for)s * interval '1 second'
RETURNING true

-- name: prune_keys
DELETE FROM {schema}.idempotency_keys
WHERE (owner, key) IN (
    SELECT owner, key FROM {schema}.idempotency_keys
    WHERE created_at <= now() - %(kept_for)s * interval '1 second'
    ORDER BY created_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING true

-- name: owners_after
SELECT owner
FROM (
    (SELECT DISTINCT owner FROM {schema}.balances
     WHERE owner > %(after)s ORDER BY owner LIMIT %(limit)s)
    UNION
    (SELECT DISTINCT owner FROM {schema}.entries
     WHERE owner > %(after)s ORDER BY owner LIMIT %(limit)s)
) AS known
ORDER BY owner
LIMIT %(limit)s

-- name: differences
WITH sides AS (
    SELECT owner, source AS account, 0 AS credit, amount AS debit
    FROM {schema}.entries WHERE owner > %(after)s AND owner <= %(until)s
    UNION ALL
    SELECT owner, target, amount, 0
    FROM {schema}.entries WHERE owner > %(after)s AND owner <= %(until)s
),
summed AS (
    SELECT owner, account, sum(credit)::bigint AS credited, sum(debit)::bigint AS debited
    FROM sides GROUP BY owner, account
),
kept AS (
    SELECT * FROM {schema}.balances WHERE owner > %(after)s AND owner <= %(until)s
)
SELECT
    owner, account, k.credited, k.debited, coalesce(s.credited, 0), coalesce(s.debited, 0)
FROM summed AS s FULL JOIN kept AS k USING (owner, account)
WHERE (k.credited, k.debited) IS DISTINCT FROM (coalesce(s.credited, 0), coalesce(s.debited, 0))
ORDER BY owner, account
