"""How much memory there is to plan with: the machine's, or the container's where that is less."""

import contextlib
import os
from pathlib import Path

# Where Linux says it from inside a container; "max" is no limit. See cgroups(7), version 2.
_LIMIT = Path("/sys/fs/cgroup/memory.max")


def memory_bytes(limit: Path = _LIMIT) -> int:
    """Return it in bytes.

    Args:
        limit: The file with the container's limit, which need not exist.
    """
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        return min(installed, int(limit.read_text()))
    return installed
