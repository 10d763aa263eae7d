"""Let the service's role do what ingest and lookup do, and nothing else."""

from order_service.infra.postgres.service_role import grant

steps = [
    grant(
        """
        GRANT USAGE ON SCHEMA orders TO {role};
        GRANT SELECT, INSERT, UPDATE ON orders.orders, orders.deliveries, orders.payments TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON orders.items TO {role};
        """,
        """
        REVOKE ALL ON ALL TABLES IN SCHEMA orders FROM {role};
        REVOKE USAGE ON SCHEMA orders FROM {role};
        """,
    )
]
