"""What operators can tell the accrual context."""

from typing import Annotated

from msgspec import Meta, Struct

from order_service.config import Section


class AccrualSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The system that says how many points an order is worth."""

    requests_per_minute: Annotated[int, Meta(ge=0, le=10_000_000)] = 0


SECTION = Section("accrual", AccrualSettings)
