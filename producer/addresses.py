"""Where the broker is: an option, the environment, `.env`, a running stack, else this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

DEFAULT_SERVERS = "localhost:9092"
DEFAULT_TOPIC = "orders"
_SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
# The variables are those of the service; what an option of kafka-python is called is on the right.
_LOGIN = {
    "KAFKA_SECURITY_PROTOCOL": "security_protocol",
    "KAFKA_SSL_CAFILE": "ssl_cafile",
    "KAFKA_SSL_CERTFILE": "ssl_certfile",
    "KAFKA_SSL_KEYFILE": "ssl_keyfile",
    "KAFKA_SASL_MECHANISM": "sasl_mechanism",
    "KAFKA_SASL_USERNAME": "sasl_plain_username",
    "KAFKA_SASL_PASSWORD": "sasl_plain_password",
}


def settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the KAFKA_* variables that hold here.

    `environ` wins over `.env`. The stack that `order-service run` started is described by
    `stack.env`; it is asked only if the others name no broker, and then as a whole.
    """
    named = _read(Path(".env")) | dict(environ)
    if named.get(_SERVERS):
        return named
    directory = Path(named.get("ORDER_SERVICE_DATA_DIR") or ".order-service")
    return named | _read(directory / "stack.env")


def connection(variables: Mapping[str, str], servers: str | None) -> dict[str, Any]:
    """Return kafka-python's options; `servers`, if given, replaces those of the variables.

    Raises:
        ValueError: if KAFKA_API_VERSION is no version.
    """
    chosen = servers or variables.get(_SERVERS) or DEFAULT_SERVERS
    options: dict[str, Any] = {"bootstrap_servers": [part.strip() for part in chosen.split(",")]}
    options |= {name: variables[key] for key, name in _LOGIN.items() if variables.get(key)}
    if version := variables.get("KAFKA_API_VERSION"):
        options["api_version"] = _version(version)
    return options


def _version(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        raise ValueError(f"KAFKA_API_VERSION is no version such as 2.3: {text!r}") from None


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {key: text for key, text in dotenv_values(path, interpolate=False).items() if text}
