"""Whether the ports that the services will listen on are free; if not, what to do about it."""

import socket
from contextlib import closing

import msgspec

from order_service.config import Config
from order_service.embedded.ports import free_port

_DEFAULT_CONSUMER_PORT = Config().metrics.consumer_port


class PortTakenError(Exception):
    """A port that the configuration asks for cannot be listened on."""


def with_usable_ports(config: Config) -> Config:
    """Return the configuration with ports that can be listened on.

    A consumer port that was left at its default moves to a free one if it is taken: nothing but
    a scraper needs to know it, and stack.env tells.

    Raises:
        PortTakenError: the port of the API, or a consumer port that somebody chose, is taken.
    """
    if fault := _fault(config.http.host, config.http.port):
        raise PortTakenError(f"the API cannot listen on {config.http.host} port {fault}")
    metrics = config.metrics
    if not (fault := _consumer_fault(config)):
        return config
    if metrics.consumer_port != _DEFAULT_CONSUMER_PORT:
        raise PortTakenError(f"the consumer's metrics cannot listen on port {fault}")
    free = msgspec.structs.replace(metrics, consumer_port=free_port())
    return msgspec.structs.replace(config, metrics=free)


def _consumer_fault(config: Config) -> str:
    metrics = config.metrics
    if metrics.consumer_port == config.http.port:
        return f"{metrics.consumer_port}: the API is to listen on it (HTTP_PORT)"
    if metrics.consumer_port == 0:
        return ""
    fault = _fault(metrics.consumer_host, metrics.consumer_port)
    return fault.replace("HTTP_PORT", "METRICS_CONSUMER_PORT")


def _fault(host: str, port: int) -> str:
    """Return "" if the port can be listened on, else the port, the reason and the way out."""
    try:
        _bind(host, port)
    except OSError as error:
        return f"{port}: {error.strerror or error} (choose another one: HTTP_PORT={port + 1})"
    return ""


def _bind(host: str, port: int) -> None:
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with closing(socket.socket(family, kind)) as listener:
        # As servers do: a port whose last connections are still fading away is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Without this, Linux lets two sockets with SO_REUSEADDR share a port until one listens.
        listener.listen(1)
