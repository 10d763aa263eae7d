"""Let the service's role move points and follow orders. It can change no entry of the ledger."""

from order_service.infra.postgres.service_role import grant

steps = [
    grant(
        """
        GRANT USAGE ON SCHEMA loyalty TO {role};
        GRANT SELECT, INSERT, UPDATE ON loyalty.balances, loyalty.orders TO {role};
        GRANT SELECT, INSERT ON loyalty.entries TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON loyalty.idempotency_keys TO {role};
        GRANT SELECT, INSERT, DELETE ON loyalty.inbox TO {role};
        GRANT SELECT, UPDATE ON loyalty.gate TO {role};
        """,
        """
        REVOKE ALL ON ALL TABLES IN SCHEMA loyalty FROM {role};
        REVOKE USAGE ON SCHEMA loyalty FROM {role};
        """,
    )
]
