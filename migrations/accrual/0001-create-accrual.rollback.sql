-- Undoes 0001-create-accrual; all rules and orders are lost.

DROP SCHEMA IF EXISTS accrual CASCADE;
