-- name: accept_in_inbox
INSERT INTO {schema}.inbox (message_id)
-- In one order, so that two transactions with the same ids do not wait for each other.
SELECT message_id FROM unnest(%(message_ids)s::uuid[]) AS message_id ORDER BY message_id
ON CONFLICT (message_id) DO NOTHING
RETURNING message_id

-- name: prune_inbox
DELETE FROM {schema}.inbox
WHERE message_id IN (
    SELECT message_id FROM {schema}.inbox
    WHERE received_at < clock_timestamp() - %(seconds)s * interval '1 second'
    ORDER BY received_at
    LIMIT %(most)s
)
RETURNING 1
