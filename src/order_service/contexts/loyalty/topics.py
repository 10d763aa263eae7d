"""The topics of the registrations. Whoever starts a stack asks for them first of all."""

from collections.abc import Sequence

from order_service.config import Config
from order_service.context import Topic

from .settings import LoyaltySettings


def topics_of(config: Config) -> Sequence[Topic]:
    """Return the topics of the registrations, and of those that cannot be read."""
    settings = config.of(LoyaltySettings)
    return [
        Topic(settings.registration_topic, ("Read",), settings.group_id),
        Topic(settings.dead_letter_topic, ("Write",)),
    ]
