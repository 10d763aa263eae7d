"""What stands behind the three variables, or flags, of the programs that run alone."""

import contextlib
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from order_service.config import ConfigError, Fault

_LISTENING, _DATABASE, _ACCRUAL = "RUN_ADDRESS", "DATABASE_URI", "ACCRUAL_SYSTEM_ADDRESS"

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - what an address without a host means
_DEFAULT_PORT = "5432"
_TAKEN_OVER = {"sslmode": "POSTGRES_SSLMODE", "sslrootcert": "POSTGRES_SSLROOTCERT"}
_NAMED = {"http.host": _LISTENING, "http.port": _LISTENING, "loyalty.accrual_address": _ACCRUAL}
"""The variables that stand for settings; all of the database stand for `DATABASE_URI`."""


@contextlib.contextmanager
def told_as_named() -> Iterator[None]:
    """Name faults of the configuration by the variable that was set, not by what stands behind it.

    Raises:
        ConfigError: The block raised one.
    """
    try:
        yield
    except ConfigError as error:
        raise ConfigError(tuple(map(_renamed, error.faults))) from None


def _renamed(fault: Fault) -> Fault:
    name = _DATABASE if fault.path.startswith("postgres.") else _NAMED.get(fault.path)
    return fault if name is None else Fault(name, fault.problem, "as it was given")


def accrual_settings(address: str) -> Mapping[str, str]:
    """Return the settings that stand behind the address of an accrual system; it may be empty.

    Raises:
        ConfigError: It is no such address.
    """
    if address and not _is_address(address):
        problem = "is neither host:port nor http://host:port, with or without a path"
        raise ConfigError((Fault(_ACCRUAL, problem, address),))
    return {"LOYALTY_ACCRUAL_ADDRESS": address}


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        usable = parts.scheme in {"http", "https"} and parts.netloc and parts.port != 0
    except ValueError:  # the port, or an IPv6 address
        return False
    return bool(usable) and text.isprintable() and not set(text) & set(" @?#")


def listening_on(address: str) -> Mapping[str, str]:
    """Return the settings that stand behind ``host:port``, with or without a scheme.

    Raises:
        ConfigError: It is no such address.
    """
    host, colon, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
    if not (colon and port.isdecimal()):
        raise ConfigError((Fault(_LISTENING, "is no host:port", address),))
    named = {"": _EVERYWHERE, "localhost": "127.0.0.1"}.get(host, host.strip("[]"))
    return {"HTTP_HOST": named, "HTTP_PORT": port}


def database_settings(database: str) -> Mapping[str, str]:
    """Return the settings that stand behind a URI or conninfo; it need not name everything.

    Raises:
        ConfigError: It is empty, or libpq does not understand it.
    """
    if not database.strip():
        raise ConfigError((Fault(_DATABASE, "is empty", "it names the database to use"),))
    try:
        parts = conninfo_to_dict(database)
    except psycopg.ProgrammingError as error:
        problem = f"cannot be used: {error}".strip()
        raise ConfigError((Fault(_DATABASE, problem, "not shown"),)) from None
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
        raise ConfigError((Fault(_DATABASE, problem, "not shown"),))
    pairs = zip(names, numbers, strict=True)
    named = [f"[{name}]:{number or _DEFAULT_PORT}" for name, number in pairs]
    return {"POSTGRES_HOST": ",".join(named), "POSTGRES_PORT": _DEFAULT_PORT}
