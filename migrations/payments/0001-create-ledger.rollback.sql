-- Undoes 0001-create-ledger; all balances are lost.

DROP SCHEMA IF EXISTS payments CASCADE;
