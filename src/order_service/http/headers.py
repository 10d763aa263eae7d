"""Names of header fields that several modules read or write."""

REQUEST_ID = "X-Request-ID"
"""Finds a request in the log; a client's own is taken over if it is harmless."""

CACHE = "X-Cache"
"""With it any route may say what its answer came from, in a word of its own. Traces record it as
`order_service.cache`."""

RETRY_AFTER = "Retry-After"
"""Seconds after which it makes sense to ask again (RFC 9110, section 10.2.3)."""
