"""What a span says of itself: its kind and its attributes, as OpenTelemetry has them."""

from collections.abc import Mapping, Sequence
from typing import Literal

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | Sequence[str]]
