"""What can go wrong with messages, whatever they are about.

Callers decide by class, never by message: a transient fault is retried, a message that can
never be handled becomes a dead letter.
"""

from collections.abc import Mapping
from typing import Any


class MessagingError(Exception):
    """Root of all errors that messaging raises on purpose."""


class InvalidMessageError(MessagingError):
    """A message that can never be handled, with all that is wrong with it.

    Attributes:
        reason: A stable, machine-readable kind such as ``invalid_json``.
        faults: Field name (or ``_message``) to its faults, nested as the message is.
    """

    def __init__(self, reason: str, faults: Mapping[str, Any]) -> None:
        super().__init__(f"{reason}: {dict(faults)}")
        self.reason = reason
        self.faults = faults


class DeadLettersUnavailableError(MessagingError):
    """Dead letters were not acknowledged by the broker; the same call may succeed later."""


class TopicsUnavailableError(MessagingError):
    """Messages were not acknowledged by the broker; the same call may succeed later."""
