"""The accounts in this process, on a Postgres of their own, for benchmarks of them."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from order_service.bootstrap.contexts import installed
from order_service.bootstrap.migrate import make_migrator
from order_service.context.process import Process
from order_service.contexts.accounts.model import Client
from order_service.contexts.accounts.passwords import PasswordPolicy
from order_service.contexts.accounts.signing_in import Registration
from order_service.contexts.accounts.wiring.parts import AccountsParts
from order_service.embedded.postgres import PostgresServer

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
HERE = Client("192.0.2.1", "benchmark")
CORES = len(os.sched_getaffinity(0))

_POLICY = PasswordPolicy(10)
_SETTINGS = {
    # Nobody is held back: it is the work itself that is measured.
    "ACCOUNTS_THROTTLE_FREE_FAILURES": "100",
    "ACCOUNTS_THROTTLE_LONGEST_DELAY": "1",
    "ACCOUNTS_THROTTLE_REGISTRATIONS_PER_MINUTE": "0",
    "LOG_LEVEL": "error",
}


@contextlib.contextmanager
def accounts() -> Iterator[AccountsParts]:
    """Give the use cases, migrated, keys and ended sessions read."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(Path(folder))
        try:
            server.start()
            with mock.patch.dict(os.environ, server.environment() | _SETTINGS):
                yield from _opened()
        finally:
            server.stop()


def _opened() -> Iterator[AccountsParts]:
    config = installed().configured("postgres")
    os.environ.update(POSTGRES_USER=config.postgres.user)
    os.environ.update(POSTGRES_PASSWORD=config.postgres.password.reveal())
    make_migrator(config).up()
    with Process(config, scopes=installed().scopes) as process:
        parts = AccountsParts(process, process.database(8), process.database(2))
        parts.keeping.refresh()
        parts.revocations.refresh()
        yield parts


def register(parts: AccountsParts, login: str) -> str:
    """Register somebody; return the refresh token."""
    registration = Registration(login, PASSWORD)
    return parts.signing_in.register(registration, HERE, _POLICY).refresh_token
