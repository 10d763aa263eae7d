"""Keeps a process that runs for weeks from growing by fragments.

glibc gives each thread an arena of its own and keeps in every one of them what a batch of
messages once took. Threads of Python mostly take turns, so one arena for all costs them
next to nothing: the consumer ends a backlog some ten megabytes smaller.
"""

import contextlib
import ctypes

_M_ARENA_MAX = -8
"""The parameter of `mallopt` for the number of arenas; see mallopt(3)."""


def share_one_arena() -> None:
    """Let all threads that start from now on share one arena; without glibc do nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
