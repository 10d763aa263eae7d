"""What operators can tell the loyalty context."""

from typing import Annotated

from msgspec import Meta, Struct

from order_service.config import Secret, Section
from order_service.config.model import Name, TopicName

from .model import MAX_POINTS

_ADDRESS = r"^((https?://)?[^\s@/?#]+(/([^\s@/?#][^\s@?#]*)?)?)?$"
"""Host and port, of which either may be missing; a scheme before them, a path behind."""

_YEARS = 50 * 365 * 86400


class LoyaltySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Points for orders, and what people do with them."""

    accrual_address: Annotated[str, Meta(pattern=_ADDRESS)] = ""
    accrual_key: Secret = Secret()
    pollers: Annotated[int, Meta(ge=1, le=64)] = 4
    points_lifetime: Annotated[float, Meta(ge=0, le=_YEARS)] = 0.0
    registration_points: Annotated[int, Meta(ge=1, le=MAX_POINTS // 100)] = 100
    registration_topic: TopicName = "registration"
    group_id: Name = "loyalty"
    dead_letter_topic: TopicName = "loyalty.dead-letters"


SECTION = Section("loyalty", LoyaltySettings)
