-- name: valid_keys
SELECT name, digest, scopes FROM access.api_keys WHERE revoked_at IS NULL

-- name: all_keys
SELECT name, scopes, created_at, revoked_at FROM access.api_keys ORDER BY created_at, name

-- name: add_key
INSERT INTO access.api_keys (name, digest, scopes)
VALUES (%(name)s, %(digest)s, %(scopes)s)
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
RETURNING name

-- name: revoke_key
UPDATE access.api_keys SET revoked_at = now()
WHERE name = %(name)s AND revoked_at IS NULL
RETURNING name
