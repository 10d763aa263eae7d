"""The one exception tree of the payments context."""


class PaymentsError(Exception):
    """Root of all errors that this context raises on purpose."""


class StorageUnavailableError(PaymentsError):
    """The wallets cannot be read or written now; the same call may succeed later."""


class NoWalletError(PaymentsError):
    """The person has no wallet."""


class TooMuchError(PaymentsError):
    """The wallet would hold more than can be counted."""


class UnknownPaymentError(PaymentsError):
    """A payment was never asked for."""


class ConflictingRequestError(PaymentsError):
    """A payment was asked for before, for another amount or from another person."""
