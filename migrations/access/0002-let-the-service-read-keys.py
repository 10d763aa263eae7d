"""Let the service's role read the keys, and nothing more.

Whoever takes the service over must not be able to make a key or to bring a revoked one back.
"""

from order_service.infra.postgres.service_role import grant

steps = [
    grant(
        "GRANT USAGE ON SCHEMA access TO {role}; GRANT SELECT ON access.api_keys TO {role}",
        "REVOKE ALL ON access.api_keys FROM {role}; REVOKE USAGE ON SCHEMA access FROM {role}",
    )
]
