"""What can go wrong with numbers of orders and with points."""


class LoyaltyError(Exception):
    """Base of all errors of this context. Nothing was changed by what raised it."""


class InvalidNumberError(LoyaltyError):
    """This is no number of an order."""


class OthersNumberError(LoyaltyError):
    """The number was uploaded by somebody else."""


class NotEnoughPointsError(LoyaltyError):
    """There are fewer points than were asked for."""


class TooManyPointsError(LoyaltyError):
    """The balance would be larger than can be counted."""


class UnknownMovementError(LoyaltyError):
    """This person has no such movement."""


class AlreadyReversedError(LoyaltyError):
    """The movement was taken back before."""


class IrreversibleError(LoyaltyError):
    """The movement took another one back, and is not taken back itself."""


class StorageUnavailableError(LoyaltyError):
    """The storage cannot answer now; the same call may succeed later."""
