"""What is sent: the bytes, and what the sender knows about them."""

import json
from dataclasses import dataclass
from typing import Any

Order = dict[str, Any]
"""An order as its JSON object."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message for the topic.

    `valid` tells whether the service must accept it; `kind` is `order`, `duplicate` (the same
    bytes again), `changed` (the same uid with other content), `file`, or the name of the fault.
    `traceparent` is its header of that name, if it has one.
    """

    key: bytes
    value: bytes
    valid: bool
    kind: str
    traceparent: str = ""


def encode(order: Order) -> bytes:
    """Return the order as compact UTF-8 JSON."""
    return json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()
