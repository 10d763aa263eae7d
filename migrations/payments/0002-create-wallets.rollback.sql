-- Undoes 0002-create-wallets; all wallets are lost.

DROP TABLE IF EXISTS payments.inbox, payments.outbox, payments.payments, payments.wallets;
