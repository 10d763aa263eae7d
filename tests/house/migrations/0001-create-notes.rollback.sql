-- Undoes 0001-create-notes.

DROP SCHEMA tiny CASCADE;
