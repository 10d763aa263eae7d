-- name: accounts_add_person
INSERT INTO accounts.people
    (id, login, login_key, password_hash, email, name, birthday, created_at)
VALUES
    (%(id)s, %(login)s, %(login_key)s, %(password_hash)s, %(email)s, %(name)s, %(birthday)s,
     %(created_at)s)
ON CONFLICT (login_key) DO NOTHING
RETURNING id

-- name: accounts_credentials
SELECT id, password_hash, admin, email, disabled_at IS NOT NULL
FROM accounts.people
WHERE login_key = %(login_key)s

-- name: accounts_replace_hash
UPDATE accounts.people SET password_hash = %(new)s
WHERE id = %(id)s AND password_hash = %(old)s
RETURNING id

-- name: accounts_person
SELECT id, login, email, name, birthday, admin, created_at, disabled_at, erased_at
FROM accounts.people
WHERE id = %(id)s

-- name: accounts_add_session
INSERT INTO accounts.sessions
    (id, person_id, token_digest, created_at, renewed_at, expires_at, address, user_agent)
VALUES
    (%(session_id)s, %(person_id)s, %(token_digest)s, %(created_at)s, %(created_at)s,
     %(expires_at)s, %(address)s, %(user_agent)s)
RETURNING id

-- name: accounts_signed_in
-- The lock waits for whoever changes the account at this moment, and looks again after that: all
-- sessions that there were end with such a change, and this one must not come in behind it.
WITH person AS (
    SELECT id FROM accounts.people
    WHERE id = %(person_id)s AND disabled_at IS NULL
        AND password_hash = %(password_hash)s AND admin = %(admin)s
    FOR SHARE
), opened AS (
    INSERT INTO accounts.sessions
        (id, person_id, token_digest, created_at, renewed_at, expires_at, address, user_agent)
    SELECT %(session_id)s, id, %(token_digest)s, %(created_at)s, %(created_at)s,
        %(expires_at)s, %(address)s, %(user_agent)s
    FROM person
    RETURNING id, person_id
), forgotten AS (
    DELETE FROM accounts.failures
    WHERE kind = 'login' AND key = %(login_digest)s AND EXISTS (SELECT FROM opened)
)
INSERT INTO accounts.sign_ins (id, person_id, session_id, result, address, user_agent, at)
SELECT %(entry_id)s, person_id, id, %(result)s, %(address)s, %(user_agent)s, %(created_at)s
FROM opened
RETURNING id

-- name: accounts_record_sign_in
INSERT INTO accounts.sign_ins (id, person_id, session_id, result, address, user_agent, at)
VALUES (%(entry_id)s, %(person_id)s, %(session_id)s, %(result)s, %(address)s, %(user_agent)s,
    %(at)s)
RETURNING id

-- name: accounts_refused
-- Rows in a fixed order: two attempts from one address at one login cannot deadlock.
WITH entry AS (
    INSERT INTO accounts.sign_ins (id, person_id, session_id, result, address, user_agent, at)
    VALUES (%(entry_id)s, %(person_id)s, %(session_id)s, %(result)s, %(address)s, %(user_agent)s,
        %(at)s)
)
INSERT INTO accounts.failures AS f (kind, key, failures, failed_at, blocked_until)
SELECT kind, key, 1, %(at)s, %(at)s
FROM (VALUES ('address', %(address)s::varchar), ('login', %(login_digest)s::varchar))
    AS counted (kind, key)
ON CONFLICT (kind, key) DO UPDATE SET
    failures = CASE WHEN f.failed_at < %(forgotten_before)s THEN 1 ELSE f.failures + 1 END,
    failed_at = greatest(f.failed_at, excluded.failed_at),
    blocked_until = CASE
        WHEN f.failed_at >= %(forgotten_before)s AND f.failures + 1 >= %(free)s
        -- The exponent is bounded: 2 to the power of thousands is no number.
        THEN excluded.failed_at + make_interval(secs => least(%(longest)s::float8,
            %(base)s::float8 * 2 ^ least(f.failures + 1 - %(free)s, 30)))
        ELSE excluded.failed_at
    END
RETURNING kind

-- name: accounts_attempt
SELECT waiting.seconds, p.id, p.password_hash, p.admin, p.email, p.disabled_at IS NOT NULL
FROM (
    SELECT coalesce(max(extract(epoch FROM blocked_until - %(now)s)), 0)::float8 AS seconds
    FROM accounts.failures
    WHERE (kind, key) IN (('login', %(login_digest)s), ('address', %(address)s))
) AS waiting
LEFT JOIN accounts.people AS p ON p.login_key = %(login_key)s

-- name: accounts_take_registration
-- The generic cell rate algorithm: full_at is when the bucket of the address is full again.
INSERT INTO accounts.registration_rates AS r (address, full_at)
VALUES (%(address)s, %(now)s::timestamptz + %(cost)s::interval)
ON CONFLICT (address) DO UPDATE SET
    full_at = greatest(r.full_at, %(now)s) + %(cost)s::interval
    WHERE greatest(r.full_at, %(now)s) + %(cost)s::interval
        <= %(now)s::timestamptz + %(burst)s::interval
RETURNING address

-- name: accounts_registration_wait
SELECT extract(epoch FROM full_at + %(cost)s::interval - %(burst)s::interval - %(now)s)::float8
FROM accounts.registration_rates
WHERE address = %(address)s

-- name: accounts_sign_ins_of
SELECT id, person_id, session_id, result, address, user_agent, at
FROM accounts.sign_ins
WHERE person_id = %(person_id)s AND (at, id) < (%(at)s, %(id)s)
ORDER BY at DESC, id DESC
LIMIT %(limit)s

-- name: accounts_renew
UPDATE accounts.sessions AS s
SET generation = s.generation + 1, token_digest = %(successor)s, renewed_at = %(now)s
FROM accounts.people AS p
WHERE s.id = %(session_id)s
    AND s.generation = %(generation)s
    AND s.token_digest = %(digest)s
    AND s.ended_at IS NULL
    AND s.expires_at > %(now)s
    AND s.renewed_at > %(idle_since)s
    AND p.id = s.person_id
    AND p.disabled_at IS NULL
RETURNING p.id, p.admin, p.email

-- name: accounts_session_state
SELECT p.id, p.admin, p.email, s.generation, s.token_digest, s.renewed_at, s.expires_at, s.ended_at
FROM accounts.sessions AS s JOIN accounts.people AS p ON p.id = s.person_id
WHERE s.id = %(session_id)s

-- name: accounts_end_session
UPDATE accounts.sessions SET ended_at = %(now)s, end_reason = %(reason)s
WHERE id = %(session_id)s AND person_id = %(person_id)s AND ended_at IS NULL
    AND expires_at > %(now)s
RETURNING id

-- name: accounts_end_sessions
UPDATE accounts.sessions SET ended_at = %(now)s, end_reason = %(reason)s
WHERE person_id = %(person_id)s AND ended_at IS NULL AND expires_at > %(now)s
RETURNING id

-- name: accounts_end_other_sessions
UPDATE accounts.sessions SET ended_at = %(now)s, end_reason = %(reason)s
WHERE person_id = %(person_id)s AND id <> %(session_id)s AND ended_at IS NULL
    AND expires_at > %(now)s
RETURNING id

-- name: accounts_open_sessions
SELECT id, created_at, renewed_at, expires_at, address, user_agent
FROM accounts.sessions
WHERE person_id = %(person_id)s AND ended_at IS NULL AND expires_at > %(now)s
    AND renewed_at > %(idle_since)s
ORDER BY renewed_at DESC, id DESC
LIMIT 1000

-- name: accounts_all_sessions
SELECT id, created_at, renewed_at, expires_at, address, user_agent, ended_at
FROM accounts.sessions
WHERE person_id = %(person_id)s
ORDER BY id

-- name: accounts_standing
SELECT p.id, p.admin, p.email
FROM accounts.sessions AS s JOIN accounts.people AS p ON p.id = s.person_id
WHERE s.id = %(session_id)s AND s.ended_at IS NULL AND s.expires_at > %(now)s
    AND p.disabled_at IS NULL

-- name: accounts_ended_since
SELECT id, ended_at FROM accounts.sessions WHERE ended_at > %(moment)s

-- name: accounts_signing_keys
SELECT id, state, sealed, created_at, since FROM accounts.signing_keys ORDER BY created_at, id

-- name: accounts_refresh_keys
SELECT number, sealed, created_at FROM accounts.refresh_keys ORDER BY number

-- name: accounts_add_signing_key
INSERT INTO accounts.signing_keys (id, state, sealed, created_at, since)
VALUES (%(id)s, %(state)s, %(sealed)s, %(created_at)s, %(since)s)
ON CONFLICT DO NOTHING
RETURNING id

-- name: accounts_add_refresh_key
INSERT INTO accounts.refresh_keys (number, sealed, created_at)
VALUES (%(number)s, %(sealed)s, %(created_at)s)
ON CONFLICT DO NOTHING
RETURNING number

-- name: accounts_lock_signing_keys
-- Two operators who rotate at the same time do it one after the other.
SELECT id FROM accounts.signing_keys FOR UPDATE

-- name: accounts_retire_key
UPDATE accounts.signing_keys SET state = 'retired', since = %(now)s
WHERE state = 'current'
RETURNING id

-- name: accounts_promote_key
UPDATE accounts.signing_keys SET state = 'current', since = %(now)s
WHERE state = 'next' AND id = %(id)s
RETURNING id

-- name: accounts_drop_retired_keys
DELETE FROM accounts.signing_keys
WHERE state = 'retired' AND since < %(before)s
RETURNING id

-- name: accounts_find_person
SELECT id, login, email, name, birthday, admin, created_at, disabled_at, erased_at
FROM accounts.people
WHERE login_key = %(login_key)s

-- name: accounts_set_admin
UPDATE accounts.people SET admin = %(admin)s
WHERE id = %(id)s AND admin <> %(admin)s
RETURNING id

-- name: accounts_disable
UPDATE accounts.people SET disabled_at = coalesce(disabled_at, %(now)s)
WHERE id = %(id)s
RETURNING id

-- name: accounts_unlock
WITH forgotten AS (
    DELETE FROM accounts.failures WHERE kind = 'login' AND key = %(login_digest)s
)
UPDATE accounts.people SET disabled_at = NULL
WHERE id = %(id)s AND erased_at IS NULL
RETURNING id

-- name: accounts_unlock_address
DELETE FROM accounts.failures WHERE kind = 'address' AND key = %(address)s RETURNING key

-- name: accounts_erase_person
UPDATE accounts.people SET
    login = NULL, login_key = NULL, password_hash = NULL, email = NULL, name = NULL,
    birthday = NULL, admin = false, disabled_at = coalesce(disabled_at, %(now)s),
    erased_at = coalesce(erased_at, %(now)s)
WHERE id = %(id)s
RETURNING id

-- name: accounts_erase_sessions
UPDATE accounts.sessions SET address = '', user_agent = '' WHERE person_id = %(id)s RETURNING id

-- name: accounts_erase_sign_ins
UPDATE accounts.sign_ins SET address = '', user_agent = '' WHERE person_id = %(id)s RETURNING id

-- name: accounts_forget_failures
DELETE FROM accounts.failures WHERE kind = 'login' AND key = %(login_digest)s RETURNING key

-- name: accounts_prune_sign_ins
-- No locks that are skipped: they need the right to change an entry, which the role has not.
DELETE FROM accounts.sign_ins WHERE id IN (
    SELECT id FROM accounts.sign_ins WHERE at < %(before)s ORDER BY at LIMIT %(limit)s
)
RETURNING id

-- name: accounts_prune_failures
DELETE FROM accounts.failures WHERE (kind, key) IN (
    SELECT kind, key FROM accounts.failures
    WHERE failed_at < %(before)s AND blocked_until < %(now)s
    ORDER BY failed_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING key

-- name: accounts_prune_rates
DELETE FROM accounts.registration_rates WHERE address IN (
    SELECT address FROM accounts.registration_rates WHERE full_at < %(now)s
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING address

-- name: accounts_prune_sessions
DELETE FROM accounts.sessions WHERE id IN (
    SELECT id FROM accounts.sessions
    WHERE least(ended_at, expires_at, renewed_at + %(idle)s::interval) < %(before)s
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id
