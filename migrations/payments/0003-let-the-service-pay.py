"""Let the service's role keep wallets. It changes no entry and deletes no payment."""

from order_service.infra.postgres.service_role import grant

steps = [
    grant(
        """
        GRANT USAGE ON SCHEMA payments TO {role};
        GRANT SELECT, INSERT, UPDATE ON payments.balances, payments.payments TO {role};
        GRANT SELECT, INSERT ON payments.entries, payments.wallets TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON payments.idempotency_keys, payments.outbox TO {role};
        GRANT SELECT, INSERT, DELETE ON payments.inbox TO {role};
        """,
        """
        REVOKE ALL ON ALL TABLES IN SCHEMA payments FROM {role};
        REVOKE USAGE ON SCHEMA payments FROM {role};
        """,
    )
]
