"""The one exception tree of the access context."""


class AccessError(Exception):
    """Root of all errors that this context raises on purpose."""


class KeyExistsError(AccessError):
    """There is a key of this name that is not revoked."""


class NoSuchKeyError(AccessError):
    """There is no key of this name, or it is revoked already."""


class KeysUnavailableError(AccessError):
    """The keys cannot be read or written now, or by this database role."""
