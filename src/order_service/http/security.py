"""Security headers of every response.

The service only ever serves its own files and data, so the policies start from nothing and
allow what the page and Swagger UI need. See https://owasp.org/www-project-secure-headers/.
"""

from collections.abc import Sequence

_FENCE = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    f"connect-src 'self'; {_FENCE}"
)
# Swagger UI sets style attributes from its scripts; it needs nothing else of the page's.
SWAGGER_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

COMMON: Sequence[tuple[str, str]] = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", API_POLICY),
)
"""Headers of a response that says nothing else."""
