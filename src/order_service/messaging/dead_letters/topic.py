"""What the machinery of dead letters must be told about one dead-letter topic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec


class Original(NamedTuple):
    """A message that was rejected once, as it may be published again.

    Attributes:
        key: Its key.
        body: Its bytes; None is a tombstone.
        headers: Its own headers, such as those of its envelope.
    """

    key: bytes | None
    body: bytes | None
    headers: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterTopic:
    """A dead-letter topic, as the context that it belongs to describes it.

    Attributes:
        name: Its name.
        source: The topic that letters are replayed to which do not tell theirs.
        noun: What a message should have been, such as ``order``.
        check: Returns what people call the thing that a message is about, such as its order_uid.
            Raises InvalidMessageError if it would only become another dead letter.
        keyed: Whether what `check` returns is the key, too, so that a repaired message gets it;
            otherwise it keeps the key of its letter.
        mentions: Whether a body, valid or not, is about the thing with this name; for a search.
            Raises nothing.
        masked: Returns the JSON value of a body without personal data. Raises ValueError if
            nothing of it can be told apart, nor shown.
    """

    name: str
    source: str
    noun: str
    check: Callable[[Original], str]
    mentions: Callable[[bytes, str], bool]
    masked: Callable[[bytes], object]
    keyed: bool = False


def member_is(name: str) -> Callable[[bytes, str], bool]:
    """Return what tells whether a member of a body, valid or not, is a text: for `mentions`."""
    decode = msgspec.json.Decoder(msgspec.defstruct("Body", [(name, object, None)])).decode

    def mentions(body: bytes, wanted: str) -> bool:
        try:
            return bool(getattr(decode(body), name) == wanted)
        except (ValueError, RecursionError):
            return False

    return mentions
