-- name: open_wallet
INSERT INTO payments.wallets (id, owner, currency)
VALUES (%(id)s, %(owner)s, %(currency)s)
ON CONFLICT (owner, currency) DO NOTHING
RETURNING id

-- name: wallet_of
SELECT wallet.id, wallet.owner, wallet.currency,
    coalesce(balance.credited - balance.debited, 0), wallet.created_at
FROM payments.wallets AS wallet
LEFT JOIN payments.balances AS balance
    ON balance.owner = wallet.owner AND balance.account = %(account)s
WHERE wallet.owner = %(owner)s AND wallet.currency = %(currency)s

-- name: wallets_of
SELECT owner, currency FROM payments.wallets
WHERE owner = ANY(%(owners)s::uuid[]) AND currency = ANY(%(currencies)s::text[])

-- name: wallet_entries
SELECT id, transfer, kind,
    CASE WHEN target = %(account)s THEN amount ELSE -amount END,
    CASE WHEN target = %(account)s THEN target_balance ELSE source_balance END,
    reference, created_at
FROM payments.entries
WHERE owner = %(owner)s AND id < %(before)s AND %(account)s IN (source, target)
ORDER BY id DESC
LIMIT %(limit)s

-- name: record_payments
INSERT INTO payments.payments (purchase, owner, amount, currency, outcome, reason)
SELECT purchase, owner, amount, currency, outcome, reason
FROM unnest(
    %(purchases)s::uuid[], %(owners)s::uuid[], %(amounts)s::bigint[], %(currencies)s::text[],
    %(outcomes)s::text[], %(reasons)s::text[]
) AS wanted (purchase, owner, amount, currency, outcome, reason)
-- In one order, so that two transactions with the same purchases do not wait for each other.
ORDER BY purchase
ON CONFLICT (purchase) DO NOTHING
RETURNING purchase

-- name: recorded_payments
SELECT purchase, owner, amount, currency, outcome, reason
FROM payments.payments
WHERE purchase = ANY(%(purchases)s::uuid[])
ORDER BY purchase
FOR UPDATE

-- name: lock_balances
SELECT balance.owner, balance.account, balance.credited - balance.debited
FROM payments.balances AS balance
JOIN unnest(%(owners)s::uuid[], %(accounts)s::text[]) AS wanted (owner, account)
    USING (owner, account)
ORDER BY balance.owner, balance.account
FOR UPDATE OF balance

-- name: change_payments
UPDATE payments.payments
SET outcome = %(outcome)s, reason = %(reason)s, changed_at = clock_timestamp()
WHERE purchase = ANY(%(purchases)s::uuid[])

-- name: payment_claims
-- What the ledger has taken for each purchase, beside what is recorded about it.
SELECT payment.purchase, payment.outcome, coalesce(moved.taken, 0), payment.changed_at
FROM payments.payments AS payment
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN entry.reverses IS NULL THEN entry.amount ELSE -entry.amount END)::bigint
        AS taken
    FROM payments.entries AS entry
    WHERE entry.owner = payment.owner
        AND (entry.transfer = payment.purchase OR entry.reverses = payment.purchase)
) AS moved ON true
WHERE payment.purchase > %(after)s
ORDER BY payment.purchase
LIMIT %(limit)s
