"""What can be wrong with a transfer or with the command that asks for it."""


class LedgerError(Exception):
    """Base of the ledger's errors. Nothing was changed by what raised it."""


class AmountError(LedgerError, ValueError):
    """This is no amount that can be moved; the text says why, for the one who sent it."""


class InsufficientError(LedgerError):
    """An account other than `outside` would fall below zero. The transaction can go on."""


class LimitError(LedgerError):
    """An account would hold more than 64 bits can count. The transaction can go on."""


class DuplicateTransferError(LedgerError):
    """A transfer with this id is posted already. The transaction is spoilt."""


class AlreadyReversedError(LedgerError):
    """The transfer is reversed already, and once is all."""


class UnknownTransferError(LedgerError):
    """There is no transfer with this id and owner."""


class KeyReusedError(LedgerError):
    """The idempotency key came before, with other content (HTTP 422)."""


class StillRunningError(LedgerError):
    """A command with this idempotency key is being handled right now (HTTP 409)."""
