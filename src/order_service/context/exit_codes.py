"""The exit codes of every command: docs/cli.md explains them to whoever scripts the service."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    """All that was asked for is done; a server was stopped as it was asked to."""

    FAILED = 1
    """A backend is away or refuses, a check found a fault, or Ctrl-C came before the end."""

    USAGE = 2
    """The command line or the configuration is wrong; nothing was done."""

    IN_PART = 3
    """Some of the dead letters that were named do not exist or were not replayed."""

    STUCK = 70
    """The watchdog ended a consumer that made no progress; a supervisor starts a new one."""
