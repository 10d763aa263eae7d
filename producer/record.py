"""Writes down what was sent and what became of it, for tests that compare it with the database."""

import base64
import json
from typing import IO

from producer.message import Message
from producer.sender import Delivery


class Recorder:
    """Writes one JSON line for each settled message.

    Its keys: `key`, `value` (or `value_base64` where the bytes are no UTF-8), `valid`, `kind`,
    `acknowledged`, `partition`, `offset`, `error`, `traceparent`. Lines are in the order of
    settling, which is the order of sending for messages with the same key.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __call__(self, message: Message, delivery: Delivery) -> None:
        """Write the line."""
        line = {
            "key": message.key.decode("utf-8", "replace"),
            **_value(message.value),
            "valid": message.valid,
            "kind": message.kind,
            "acknowledged": delivery.acknowledged,
            "partition": delivery.partition,
            "offset": delivery.offset,
            "error": delivery.error,
            "traceparent": message.traceparent,
        }
        self._file.write(json.dumps(line) + "\n")


def _value(value: bytes) -> dict[str, str]:
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value).decode()}
