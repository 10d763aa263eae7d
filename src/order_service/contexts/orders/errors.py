"""The one exception tree of the orders context.

Callers decide by class, never by message: a transient fault is retried, a permanent one
costs exactly the message (or the request) that caused it.
"""

from collections.abc import Sequence

from order_service.infra.kafka.progress import ConsumptionPausedError
from order_service.messaging.errors import InvalidMessageError


class OrdersError(Exception):
    """Root of all errors that this context raises on purpose."""


class InvalidOrderError(OrdersError, InvalidMessageError):
    """A message that can never become an order, with all that is wrong with it."""


class OrderNotFoundError(OrdersError):
    """No order with this uid is stored.

    Attributes:
        level: Where the answer came from, as in :class:`orders.ports.Level`.
    """

    def __init__(self, uid: str, level: str) -> None:
        super().__init__(uid)
        self.uid = uid
        self.level = level


class InvalidCursorError(OrdersError):
    """A page cursor that this service did not issue."""


class TransientError(OrdersError):
    """A fault of the surroundings: the same call may succeed later."""


class StorageUnavailableError(TransientError):
    """The database cannot be reached, is overloaded or refuses work for now."""


class RejectionLimitError(OrdersError, ConsumptionPausedError):
    """Too many messages are rejected to be the messages' own fault; none became a dead letter."""


class StorageRejectedError(OrdersError):
    """The database refuses these data for good; a retry would fail the same way.

    Attributes:
        uids: The order uids of the refused write.
        detail: The database's own words, without the data.
    """

    def __init__(self, uids: Sequence[str], detail: str) -> None:
        super().__init__(detail)
        self.uids = uids
        self.detail = detail
