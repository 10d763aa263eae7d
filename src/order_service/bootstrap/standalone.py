"""Programs that are a part of the service alone: one process, a database, and nothing else.

They are told where to listen and what to use in the three variables, or flags, that the public
contract of these programs names. All that stands behind those are settings of the service.
"""

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict

from order_service.config import ConfigError, Fault
from order_service.context import Contexts
from order_service.http.server import serve

from .api import server_settings
from .contexts import installed
from .migrate import make_migrator

if TYPE_CHECKING:
    from .api_process import Api

_log = structlog.get_logger(__name__)

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - what an address without a host means
_DEFAULT_PORT = "5432"
_TAKEN_OVER = {"sslmode": "POSTGRES_SSLMODE", "sslrootcert": "POSTGRES_SSLROOTCERT"}

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


GOPHERMART = Program("gophermart", ("accounts", "loyalty"), ("loyalty-poller",))
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
        OSError: The address is in use or not ours.
    """
    os.environ.update(
        {
            **listening_on(address),
            **database_settings(database),
            "CONTEXTS_ENABLED": ",".join(program.contexts),
            "LOYALTY_ACCRUAL_ADDRESS": accrual,
            "HTTP_AUTH": "none",
            "HTTP_WORKERS": "1",
        }
    )
    for name, value in _USUAL.items():
        os.environ.setdefault(name, value)
    config = contexts.configured("postgres")
    applied = make_migrator(config, program.contexts).up()
    _log.info("the database is ready", applied=len(applied))
    serve(functools.partial(create_program, program), server_settings(config))
    return 0


def create_program(program: Program) -> "Api":
    """Return the application with its workers, from the environment's configuration."""
    # The process that supervises the server needs none of it.
    from .api_process import Api  # noqa: PLC0415

    contexts = installed()
    config = contexts.configured()
    wanted = [each for each in contexts.workers(config) if each.name in program.workers]
    return Api(config, contexts, wanted)


def listening_on(address: str) -> Mapping[str, str]:
    """Return the settings that stand behind ``host:port``, with or without a scheme.

    Raises:
        ConfigError: It is no such address.
    """
    host, colon, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
    if not (colon and port.isdecimal()):
        raise ConfigError((Fault("RUN_ADDRESS", "is no host:port", address),))
    named = {"": _EVERYWHERE, "localhost": "127.0.0.1"}.get(host, host.strip("[]"))
    return {"HTTP_HOST": named, "HTTP_PORT": port}


def database_settings(database: str) -> Mapping[str, str]:
    """Return the settings that stand behind a URI or conninfo; it need not name everything.

    Raises:
        ConfigError: libpq does not understand it.
    """
    try:
        parts = conninfo_to_dict(database)
    except psycopg.ProgrammingError as error:
        problem = f"cannot be used: {error}".strip()
        raise ConfigError((Fault("DATABASE_URI", problem, "not shown"),)) from None
    user = str(parts.get("user") or "postgres")
    password = str(parts.get("password") or "")
    settings = {
        **_servers(str(parts.get("host") or "localhost"), str(parts.get("port") or _DEFAULT_PORT)),
        "POSTGRES_DB": str(parts.get("dbname") or user),
        "POSTGRES_USER": user,
        "POSTGRES_PASSWORD": password,
        # One role migrates and serves: there is nobody to grant anything to.
        "POSTGRES_ADMIN_USER": "",
        "POSTGRES_READ_HOST": "",
    }
    tls = {variable: str(parts[key]) for key, variable in _TAKEN_OVER.items() if parts.get(key)}
    return settings | tls


def _servers(hosts: str, ports: str) -> Mapping[str, str]:
    """Return the settings that name one server, or several; one port may be that of all."""
    if "," not in hosts:
        return {"POSTGRES_HOST": hosts, "POSTGRES_PORT": ports}
    names, numbers = hosts.split(","), ports.split(",")
    if len(numbers) == 1:
        numbers *= len(names)
    if len(numbers) != len(names):
        problem = f"names {len(names)} hosts and {len(numbers)} ports"
        raise ConfigError((Fault("DATABASE_URI", problem, "not shown"),))
    pairs = zip(names, numbers, strict=True)
    named = [f"[{name}]:{number or _DEFAULT_PORT}" for name, number in pairs]
    return {"POSTGRES_HOST": ",".join(named), "POSTGRES_PORT": _DEFAULT_PORT}
