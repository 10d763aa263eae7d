-- name: add_to_outbox
INSERT INTO {schema}.outbox (message_id, topic, key, value, headers, shard)
SELECT message_id, topic, key, value, headers::jsonb, shard
FROM unnest(
    %(message_ids)s::uuid[], %(topics)s::text[], %(keys)s::bytea[], %(values)s::bytea[],
    %(headers)s::text[], %(shards)s::smallint[]
) WITH ORDINALITY AS message (message_id, topic, key, value, headers, shard, position)
ORDER BY position

-- name: read_outbox
SELECT id, topic, key, value, headers, attempts
FROM (
    SELECT pending.*, sum(bytes) OVER (ORDER BY id) - bytes AS bytes_before
    FROM (
        SELECT
            id, topic, key, value, headers, attempts,
            octet_length(key) + coalesce(octet_length(value), 0) AS bytes
        FROM {schema}.outbox AS waiting
        WHERE shard = ANY(%(shards)s::smallint[])
            -- A look into a small index for each row, whatever the planner believes. NOT IN is
            -- faster where it is hashed, and a hundred times slower where it is not.
            AND NOT EXISTS (
                SELECT FROM {schema}.outbox AS blocked
                WHERE blocked.topic = waiting.topic AND blocked.key = waiting.key
                    AND blocked.blocked_until > now()
            )
        ORDER BY id
        LIMIT %(most_messages)s
    ) AS pending
) AS batch
WHERE bytes_before < %(most_bytes)s
ORDER BY id

-- name: delete_from_outbox
DELETE FROM {schema}.outbox WHERE id = ANY(%(ids)s::bigint[])

-- name: block_in_outbox
UPDATE {schema}.outbox
SET
    attempts = attempts + 1,
    last_error = left(%(error)s, 500),
    blocked_until = clock_timestamp() + least(power(2.0, least(attempts, 20)), %(longest)s)
        * interval '1 second'
WHERE id = ANY(%(ids)s::bigint[])

-- name: measure_outbox
SELECT
    (SELECT count(*) FROM (SELECT FROM {schema}.outbox LIMIT %(most)s) AS counted),
    (
        SELECT extract(epoch FROM clock_timestamp() - created_at)::float8
        FROM {schema}.outbox ORDER BY id LIMIT 1
    ),
    (SELECT count(*) FROM {schema}.outbox WHERE blocked_until IS NOT NULL)

-- name: list_outbox
SELECT id, message_id, topic, key, headers, created_at, attempts, last_error, blocked_until
FROM {schema}.outbox
WHERE NOT %(blocked)s OR blocked_until IS NOT NULL
ORDER BY id
LIMIT %(most)s

-- name: count_outbox
SELECT count(*), count(blocked_until) FROM {schema}.outbox

-- name: retry_in_outbox
UPDATE {schema}.outbox
SET blocked_until = clock_timestamp()
WHERE blocked_until IS NOT NULL
    AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
RETURNING id

-- name: prepare_relay
SELECT
    set_config('idle_session_timeout', %(idle_session_timeout)s, false),
    -- The rows come in the order of their index: what the planner believes of a table that is
    -- empty at one time and long at another must not decide otherwise.
    set_config('enable_seqscan', 'off', false),
    set_config('enable_bitmapscan', 'off', false),
    set_config('enable_sort', 'off', false)

-- name: enter_relays
SELECT pg_try_advisory_lock(%(space)s, %(member)s)

-- name: count_relays
SELECT
    count(*),
    array_agg(objid::bigint) FILTER (WHERE pid = pg_backend_pid()) = ARRAY[%(member)s::bigint]
FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = %(space)s::oid AND objid >= %(first_member)s::oid

-- name: lease_shard
SELECT pg_try_advisory_lock(%(space)s, %(shard)s)

-- name: release_shard
SELECT pg_advisory_unlock(%(space)s, %(shard)s)

-- name: confirm_lease
SELECT 1
