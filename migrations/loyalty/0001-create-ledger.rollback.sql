-- Undoes 0001-create-ledger; all points are lost.

DROP SCHEMA IF EXISTS loyalty CASCADE;
