"""Let the service's role keep purchases. It can delete none."""

from order_service.infra.postgres.service_role import grant

steps = [
    grant(
        """
        GRANT USAGE ON SCHEMA checkout TO {role};
        GRANT SELECT, INSERT, UPDATE ON checkout.purchases TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON checkout.idempotency_keys, checkout.outbox TO {role};
        GRANT SELECT, INSERT, DELETE ON checkout.inbox TO {role};
        """,
        """
        REVOKE ALL ON ALL TABLES IN SCHEMA checkout FROM {role};
        REVOKE USAGE ON SCHEMA checkout FROM {role};
        """,
    )
]
