-- Undoes 0002-create-orders; what is on the ledger stays.

DROP INDEX IF EXISTS loyalty.credits, loyalty.withdrawals;
DROP TABLE IF EXISTS loyalty.gate, loyalty.orders;
