-- Undoes 0001-create-api-keys; all keys are lost.

DROP SCHEMA IF EXISTS access CASCADE;
