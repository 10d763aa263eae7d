"""Let the service's role add rules and orders, and finish orders; it deletes neither."""

from order_service.infra.postgres.service_role import grant

steps = [
    grant(
        """
        GRANT USAGE ON SCHEMA accrual TO {role};
        GRANT SELECT, INSERT ON accrual.rules TO {role};
        GRANT SELECT, INSERT, UPDATE ON accrual.orders TO {role};
        """,
        """
        REVOKE ALL ON ALL TABLES IN SCHEMA accrual FROM {role};
        REVOKE USAGE ON SCHEMA accrual FROM {role};
        """,
    )
]
