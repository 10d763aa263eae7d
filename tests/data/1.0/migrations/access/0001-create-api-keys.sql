-- The keys that admit to reading. Of a key only its SHA-256 is kept. A revoked key stays as a
-- record of who could read until when; its name is free again.
-- depends: 0002-create-service-role

CREATE SCHEMA IF NOT EXISTS access;

CREATE TABLE IF NOT EXISTS access.api_keys (
    digest     bytea       PRIMARY KEY CHECK (octet_length(digest) = 32),
    name       varchar(64) NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    scopes     text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz CHECK (revoked_at >= created_at)
);

CREATE UNIQUE INDEX IF NOT EXISTS api_keys_valid_name
    ON access.api_keys (name) WHERE revoked_at IS NULL;
