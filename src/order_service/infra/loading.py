"""Loads what a process is made of faster."""

import contextlib
import gc
import sys
from collections.abc import Iterator

from .late_patterns import compiled_late

FORKS = sys.platform == "linux"
"""Whether a process may begin as a fork of one that has loaded its modules, and share its memory.

Elsewhere libraries of the system do not survive a fork.
"""


@contextlib.contextmanager
def modules_loading() -> Iterator[None]:
    """Look for no garbage, and leave slow patterns for later, while the block imports modules.

    They make some hundred thousand objects that stay, and the collector would look through them
    again and again: a twelfth of the time that it takes, and later pauses of tens of milliseconds.
    So it leaves them alone for good.
    """
    gc.disable()
    try:
        with compiled_late():
            yield
    finally:
        gc.freeze()
        gc.enable()
