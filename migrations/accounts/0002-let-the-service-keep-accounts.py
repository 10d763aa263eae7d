"""Let the service's role do what registration, sign-in and sessions need, and nothing more.

It cannot delete a person, nor make one an admin, nor rewrite the audit trail: what operators do
needs the role that migrates.
"""

from order_service.infra.postgres.service_role import grant

steps = [
    grant(
        """
        GRANT USAGE ON SCHEMA accounts TO {role};
        GRANT SELECT ON ALL TABLES IN SCHEMA accounts TO {role};
        GRANT INSERT (id, login, login_key, password_hash, email, name, birthday, created_at)
            ON accounts.people TO {role};
        GRANT UPDATE (password_hash) ON accounts.people TO {role};
        GRANT INSERT, UPDATE, DELETE ON accounts.sessions, accounts.failures,
            accounts.registration_rates, accounts.outbox TO {role};
        GRANT INSERT, DELETE ON accounts.sign_ins TO {role};
        GRANT INSERT ON accounts.signing_keys, accounts.refresh_keys TO {role};
        """,
        """
        REVOKE ALL ON ALL TABLES IN SCHEMA accounts FROM {role};
        REVOKE ALL (id, login, login_key, password_hash, email, name, birthday, created_at)
            ON accounts.people FROM {role};
        REVOKE USAGE ON SCHEMA accounts FROM {role};
        """,
    )
]
