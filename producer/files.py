"""Orders from a file: one JSON object, a list of them, or one to a line."""

import json
from pathlib import Path

from producer.message import Message, encode


def messages_of(path: Path) -> list[Message]:
    """Return a message for each order of the file; what is no order is sent all the same.

    A single object and lines are sent as the bytes that they are.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is neither JSON nor JSON lines, or holds nothing; says which line.
    """
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf").strip()
    try:
        document = json.loads(raw)
    except ValueError:
        messages = _lines(raw)
    else:
        several = isinstance(document, list)
        messages = [_message(part, encode(part)) for part in document] if several else []
        messages = messages if several else [_message(document, raw)]
    if not messages:
        raise ValueError("it holds no order")
    return messages


def _lines(raw: bytes) -> list[Message]:
    return [_line(number, line) for number, line in enumerate(raw.splitlines(), 1) if line.strip()]


def _line(number: int, line: bytes) -> Message:
    try:
        return _message(json.loads(line), line.strip())
    except ValueError as error:
        raise ValueError(f"line {number} is no JSON: {error}") from None


def _message(order: object, value: bytes) -> Message:
    uid = order.get("order_uid") if isinstance(order, dict) else None
    key = uid.encode("utf-8", "replace") if isinstance(uid, str) else b""
    return Message(key, value, valid=True, kind="file")
