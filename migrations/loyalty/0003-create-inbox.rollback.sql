-- Undoes 0003-create-inbox.

DROP TABLE IF EXISTS loyalty.inbox;
