"""What can go wrong when orders are registered and their points are calculated."""


class AccrualError(Exception):
    """Base of all errors of this context."""


class RuleExistsError(AccrualError):
    """There is a rule with this match already; case does not count."""


class OrderExistsError(AccrualError):
    """An order with this number is registered already."""


class StorageUnavailableError(AccrualError):
    """The storage cannot answer now; the same call may succeed later."""
