-- Undoes loyalty/0005-order-credits-by-their-sum.

CREATE INDEX IF NOT EXISTS credits ON loyalty.entries (owner, created_at, target_credited)
    WHERE target = 'available';

DROP INDEX IF EXISTS loyalty.credits_by_sum;
