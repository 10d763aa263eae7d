-- What is not spent yet is found by the sums: points that came when more had come in all than has
-- gone out. Before, all that was ever spent was read, too. The index by time is replaced: how much
-- is too old is found among what is not spent.

CREATE INDEX IF NOT EXISTS credits_by_sum ON loyalty.entries (owner, target_credited, created_at)
    WHERE target = 'available';

DROP INDEX IF EXISTS loyalty.credits;
