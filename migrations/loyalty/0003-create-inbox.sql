-- The registrations that points were given for; see order_service.messaging.inbox.

CREATE TABLE IF NOT EXISTS loyalty.inbox (
    message_id  uuid        PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS inbox_received_at ON loyalty.inbox (received_at);
