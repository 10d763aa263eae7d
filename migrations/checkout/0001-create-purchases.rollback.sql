-- Undoes 0001-create-purchases; all purchases are lost.

DROP SCHEMA IF EXISTS checkout CASCADE;
