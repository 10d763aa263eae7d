"""Becomes another program that the kernel ends when the parent dies, `kill -9` included.

Run as a file of its own: `python die_with_parent.py <parent pid> <signal> <program> [argument…]`.
It keeps its pid, so the caller supervises the program itself. Only Linux has the parent death
signal; elsewhere the program is started all the same and a leftover is ended by the next start.
It imports nothing of the package: every millisecond here is one of the start of a server.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def end_with(parent: int, signal_number: int) -> None:
    """Have the kernel send this process a signal when its parent dies; Linux alone can.

    Raises:
        SystemExit: The parent is gone already.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    # The parent may have died before the signal was asked for.
    if os.getppid() != parent:
        sys.exit("the parent is gone")


def main(arguments: list[str]) -> None:
    """Replace this process by the program named in `arguments`; return only if that fails."""
    parent, signal_number, *command = arguments
    if sys.platform == "linux":
        end_with(int(parent), int(signal_number))
    os.execvp(command[0], command)  # noqa: S606  a shell in between would be the one to get the signal


if __name__ == "__main__":
    main(sys.argv[1:])
