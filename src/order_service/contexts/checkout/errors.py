"""The one exception tree of the checkout context."""


class CheckoutError(Exception):
    """Root of all errors that this context raises on purpose."""


class StorageUnavailableError(CheckoutError):
    """Purchases cannot be read or written now; the same call may succeed later."""


class UnknownPurchaseError(CheckoutError):
    """The person has no such purchase."""


class WrongStatusError(CheckoutError):
    """What is asked for is not possible in the status that the purchase has."""


class TooLateError(CheckoutError):
    """A purchase can be refunded for some days, and they are over."""
