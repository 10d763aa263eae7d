"""Commands as a server takes them."""

from collections.abc import Sequence
from typing import NamedTuple

import hiredis

Command = tuple[str | bytes | int, ...]
"""A command as a server takes it: its name, its key, the rest."""


class CacheEntry(NamedTuple):
    """A value to set."""

    key: str
    value: bytes
    milliseconds: int


def set_command(entry: CacheEntry, *, only_new: bool) -> Command:
    """Return the command that sets an entry, unless it exists if `only_new`."""
    condition = ("NX",) if only_new else ()
    return ("SET", entry.key, entry.value, "PX", entry.milliseconds, *condition)


def packed(commands: Sequence[Command]) -> bytes:
    """Return the bytes of commands, as they are sent."""
    return b"".join(map(hiredis.pack_command, commands))  # type: ignore[arg-type]  # str is fine
