"""What operators can tell the tiny context."""

from msgspec import Struct

from order_service.config import Section


class TinySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The one thing that it can be told."""

    greeting: str = "hello"


SECTION = Section("tiny", TinySettings)
