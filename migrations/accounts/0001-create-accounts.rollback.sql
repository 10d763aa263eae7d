-- Undoes 0001-create-accounts; all people and their sessions are lost.

DROP SCHEMA IF EXISTS accounts CASCADE;
