"""Dead letters: publish them, look at them, send them to their topic again.

One dead-letter topic is described by a :class:`DeadLetterTopic`, which its context makes; the rest
is the same for all of them.
"""

from order_service.messaging.errors import DeadLettersUnavailableError, InvalidMessageError
from order_service.messaging.ports import DeadLetter, DeadLetters

from .publisher import KafkaDeadLetters
from .topic import DeadLetterTopic, Original, member_is

__all__ = [
    "DeadLetter",
    "DeadLetterTopic",
    "DeadLetters",
    "DeadLettersUnavailableError",
    "InvalidMessageError",
    "KafkaDeadLetters",
    "Original",
    "member_is",
]
