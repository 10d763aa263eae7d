"""Programs that are a part of the service alone: one process, a database, and nothing else.

They are told where to listen and what to use in the three variables, or flags, that the public
contract of these programs names. All that stands behind those are settings of the service.
"""

import functools
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import structlog

from order_service.context import Contexts
from order_service.http.server import serve
from order_service.infra.postgres.migrations import Migrator

from .api import server_settings
from .contexts import installed
from .migrate import make_migrator
from .standalone_settings import accrual_settings, database_settings, listening_on, told_as_named

if TYPE_CHECKING:
    from .api_process import Api

_log = structlog.get_logger(__name__)


_USUAL = {
    # It speaks plain HTTP, over which a client gives no secure cookie back.
    "ACCOUNTS_SESSION_SECURE_COOKIES": "false",
    # Its contract has no 429, and its clients often share one address. More than `http.threads`
    # are never hashed or wait for it, so that this queue is never full.
    "ACCOUNTS_PASSWORD_QUEUE": "1024",
    "ACCOUNTS_THROTTLE_REGISTRATIONS_PER_MINUTE": "0",
    "ACCOUNTS_THROTTLE_FREE_FAILURES": "100",
}
"""What these programs have otherwise than the service, unless the environment says something."""

_LONGEST_START = 10.0
_START_CHECKED_EVERY = 0.5
"""Seconds that a database may take to come up, and between two looks at it."""

_SIGNS_OF_A_START = (
    "Connection refused",
    "Connection reset",
    "closed the connection unexpectedly",  # a proxy, in front of a server that is not there yet
    "the database system is starting up",
    "not yet accepting connections",
)
"""What tells that a server is not there yet; no SQLSTATE comes with a connection that fails."""


class Program(NamedTuple):
    """What a program is made of.

    Attributes:
        name: Of its command.
        contexts: Whose routes it serves and whose migrations it applies.
        workers: What it does beside that, in threads of its own.
    """

    name: str
    contexts: tuple[str, ...]
    workers: tuple[str, ...]

    def without(self, worker: str) -> "Program":
        """Return the program without one of its workers."""
        return self._replace(workers=tuple(each for each in self.workers if each != worker))


_POLLER = "loyalty-poller"
GOPHERMART = Program("gophermart", ("accounts", "loyalty"), (_POLLER,))
ACCRUAL = Program("accrual", ("accrual",), ("accrual-calculator",))


def run_standalone(
    contexts: Contexts, program: Program, address: str, database: str, accrual: str = ""
) -> int:
    """Migrate, then serve until SIGTERM or SIGINT; return the exit code.

    Args:
        contexts: All that are installed.
        program: What to serve.
        address: ``host:port`` to listen on; all addresses without a host.
        database: URI or conninfo of Postgres, as a role that may create schemas.
        accrual: Address of the accrual system; empty for none.

    Raises:
        ConfigError: One of these cannot be used.
        psycopg.Error: The database cannot be used. One that is starting is waited for.
        OSError: The address is in use or not ours.
    """
    os.environ.update(
        {
            **listening_on(address),
            **database_settings(database),
            "CONTEXTS_ENABLED": ",".join(program.contexts),
            **accrual_settings(accrual),
            "HTTP_AUTH": "none",
            "HTTP_WORKERS": "1",
        }
    )
    for name, value in _USUAL.items():
        os.environ.setdefault(name, value)
    with told_as_named():
        config = contexts.configured("postgres")
    applied = _migrate(make_migrator(config, program.contexts))
    _log.info("the database is ready", applied=len(applied))
    if _POLLER in program.workers and not accrual:
        # It would ask the routes beside it, which are not there.
        _log.warning("no accrual system is named: numbers wait until there is one")
        program = program.without(_POLLER)
    serve(functools.partial(create_program, program), server_settings(config))
    return 0


def _migrate(migrator: Migrator) -> Sequence[str]:
    """Apply what is missing and return it; wait for a database that is about to be there."""
    began, waiting = time.monotonic(), False
    while True:
        try:
            return migrator.up()
        except psycopg.OperationalError as error:
            if not _is_starting(error) or time.monotonic() - began > _LONGEST_START:
                raise
        if not waiting:
            _log.warning("the database is not there yet", waits_for=_LONGEST_START)
        waiting = True
        time.sleep(_START_CHECKED_EVERY)


def _is_starting(error: psycopg.OperationalError) -> bool:
    """Return whether a server may come up: whoever refuses a login has nothing but words for it."""
    text = str(error)
    return error.sqlstate is None and any(sign in text for sign in _SIGNS_OF_A_START)


def create_program(program: Program) -> "Api":
    """Return the application with its workers, from the environment's configuration."""
    # The process that supervises the server needs none of it.
    from .api_process import Api  # noqa: PLC0415

    contexts = installed()
    config = contexts.configured()
    wanted = [each for each in contexts.workers(config) if each.name in program.workers]
    return Api(config, contexts, wanted)
