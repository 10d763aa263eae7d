"""Requests that come over and over, found by their bytes.

Clients write all their requests for one thing alike, and what is asked for most is asked for over
and over: to find them here takes a tenth of reading them. A request is kept when it comes for the
second time. Those that come once push nothing out, and leave nothing to the garbage collector: when
each of them left a dozen objects, it held everything up for tens of milliseconds.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from .request import Request

if TYPE_CHECKING:
    from .site import Ask

_MOST = 4096
_LONGEST = 1024
"""Requests that are kept, and the bytes of the longest."""

_MOST_NOTED = 16_384
"""Requests that are noted until they come again; the last half of them at least."""


class Familiar(NamedTuple):
    """What bytes mean that came before."""

    request: Request
    ask: "Ask"


class FamiliarRequests:
    """The requests that are kept. Used in one event loop.

    Attributes:
        get: Returns what the bytes of a whole request mean, or None.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Familiar] = OrderedDict()
        self._noted: set[int] = set()
        self._noted_before: set[int] = set()
        self.get: Callable[[bytes], Familiar | None] = self._kept.get

    def __len__(self) -> int:
        return len(self._kept)

    def meet(self, data: bytes, request: Request, ask: "Ask") -> None:
        """Take note of what the bytes of a whole request mean."""
        if len(data) > _LONGEST or not request.keeps or request.version != "1.1":
            return
        if not self._noted_already(hash(data)):
            return
        if len(self._kept) >= _MOST:
            self._kept.popitem(last=False)
        self._kept[data] = Familiar(request, ask)

    def _noted_already(self, note: int) -> bool:
        """Return whether this was noted before, and note it."""
        if note in self._noted or note in self._noted_before:
            return True
        if len(self._noted) >= _MOST_NOTED // 2:
            self._noted_before, self._noted = self._noted, set()
        self._noted.add(note)
        return False
