-- People who sign in, their sessions, and what is remembered of attempts.
--
-- Whoever is erased keeps the row and its id, for the sake of what names it elsewhere; all that
-- tells who it was is gone. Moments come from the service, so that one clock decides.

CREATE SCHEMA IF NOT EXISTS accounts;

CREATE TABLE IF NOT EXISTS accounts.people (
    id            uuid         PRIMARY KEY,
    login         varchar(255),
    -- The canonical caseless form (NFKC and case folding), which the service computes.
    login_key     varchar(255) UNIQUE,
    password_hash varchar(255),
    email         varchar(255),
    name          varchar(255),
    birthday      date,
    admin         boolean      NOT NULL DEFAULT false,
    created_at    timestamptz  NOT NULL,
    disabled_at   timestamptz,
    erased_at     timestamptz,
    CONSTRAINT people_erased_or_whole CHECK (
        CASE WHEN erased_at IS NULL
            THEN num_nulls(login, login_key, password_hash) = 0
            ELSE num_nonnulls(login, login_key, password_hash, email, name, birthday) = 0
                AND disabled_at IS NOT NULL
        END
    )
);

-- One row a session, changed at every renewal: no index holds a column that a renewal changes, and
-- pages leave room, so that the new version of a row stays beside the old one.
CREATE TABLE IF NOT EXISTS accounts.sessions (
    id           uuid        PRIMARY KEY,
    person_id    uuid        NOT NULL REFERENCES accounts.people,
    generation   bigint      NOT NULL DEFAULT 1 CHECK (generation > 0),
    -- SHA-256 of the newest refresh token's secret; empty if the session has no refresh token.
    token_digest bytea       NOT NULL CHECK (octet_length(token_digest) IN (0, 32)),
    created_at   timestamptz NOT NULL,
    renewed_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL CHECK (expires_at > created_at),
    ended_at     timestamptz,
    end_reason   varchar(32),
    address      varchar(64)  NOT NULL,
    user_agent   varchar(120) NOT NULL,
    CONSTRAINT sessions_reason_of_end CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX IF NOT EXISTS sessions_person ON accounts.sessions (person_id);
CREATE INDEX IF NOT EXISTS sessions_ended ON accounts.sessions (ended_at)
    WHERE ended_at IS NOT NULL;

-- The audit trail. Without a person: a login was tried that nobody has; it is not kept, for it is
-- sometimes a password that was typed into the wrong field.
CREATE TABLE IF NOT EXISTS accounts.sign_ins (
    id         uuid         PRIMARY KEY,
    person_id  uuid         REFERENCES accounts.people,
    session_id uuid,
    result     varchar(32)  NOT NULL,
    address    varchar(64)  NOT NULL,
    user_agent varchar(120) NOT NULL,
    at         timestamptz  NOT NULL
);

CREATE INDEX IF NOT EXISTS sign_ins_person ON accounts.sign_ins (person_id, at DESC, id DESC)
    WHERE person_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS sign_ins_at ON accounts.sign_ins (at);

-- Failed attempts. The key of a login is the SHA-256 of its canonical form in hexadecimal.
CREATE TABLE IF NOT EXISTS accounts.failures (
    kind          varchar(16) NOT NULL CHECK (kind IN ('login', 'address')),
    key           varchar(64) NOT NULL,
    failures      integer     NOT NULL CHECK (failures > 0),
    failed_at     timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL,
    PRIMARY KEY (kind, key)
);

CREATE INDEX IF NOT EXISTS failures_failed_at ON accounts.failures (failed_at);

-- A token bucket an address, kept as the moment at which it is full again.
CREATE TABLE IF NOT EXISTS accounts.registration_rates (
    address varchar(64) PRIMARY KEY,
    full_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS accounts.signing_keys (
    id         varchar(64) PRIMARY KEY,
    state      varchar(8)  NOT NULL CHECK (state IN ('next', 'current', 'retired')),
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    since      timestamptz NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS signing_keys_one_each ON accounts.signing_keys (state)
    WHERE state <> 'retired';

CREATE TABLE IF NOT EXISTS accounts.refresh_keys (
    number     smallint    PRIMARY KEY CHECK (number BETWEEN 1 AND 255),
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL
);

-- Registrations that are to be published; see messaging/outbox.
CREATE TABLE IF NOT EXISTS accounts.outbox (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id    uuid        NOT NULL,
    topic         text        NOT NULL,
    key           bytea       NOT NULL,
    value         bytea,
    headers       jsonb       NOT NULL,
    shard         smallint    NOT NULL CHECK (shard BETWEEN 0 AND 15),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts      integer     NOT NULL DEFAULT 0,
    last_error    text,
    blocked_until timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX IF NOT EXISTS outbox_blocked
    ON accounts.outbox (topic, key) WHERE blocked_until IS NOT NULL;
