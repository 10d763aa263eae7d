"""Keeps a process that runs for weeks from growing by fragments.

glibc gives each thread an arena of its own and keeps in every one of them what a batch of
messages once took. Threads of Python mostly take turns, so one arena for all costs them
next to nothing: the consumer ends a backlog some ten megabytes smaller. Of what is free it
keeps most, too, in case that it is wanted again; after a backlog it is not.
"""

import contextlib
import ctypes

_M_ARENA_MAX = -8
"""The parameter of `mallopt` for the number of arenas; see mallopt(3)."""


def share_one_arena() -> None:
    """Let all threads that start from now on share one arena; without glibc do nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return what is free to the operating system; without glibc do nothing.

    Takes a few milliseconds, and what is returned takes more when it is wanted again.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
