"""Where attempts to sign in failed lately, as far as this process knows.

Whether somebody has to wait is decided by what all processes have counted. That is asked for when
it is their turn to be hashed; here is who is asked about before as well, so that none of them waits
for a turn, or holds up others, only to be refused.
"""

import threading
from collections import OrderedDict

_MOST = 10_000


class Suspects:
    """Logins and addresses, the last ones of each. Thread-safe."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._logins: OrderedDict[str, int] = OrderedDict()
        self._addresses: OrderedDict[str, int] = OrderedDict()
        self._added = 0

    def add(self, login_key: str, address: str) -> None:
        """Remember an attempt that failed, and forget one of long ago if there are too many."""
        with self._lock:
            self._added += 1
            for kept, value in ((self._logins, login_key), (self._addresses, address)):
                kept[value] = self._added
                kept.move_to_end(value)
                if len(kept) > self._most:
                    kept.popitem(last=False)

    def last(self, login_key: str, address: str) -> int:
        """Return the number of the last failure at this login or from this address, 0 if none."""
        with self._lock:
            return max(self._logins.get(login_key, 0), self._addresses.get(address, 0))
