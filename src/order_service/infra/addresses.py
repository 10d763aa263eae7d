"""Network addresses as people write them."""

from ipaddress import ip_address

Address = tuple[str, int]
"""Host and TCP port."""

_ANYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def parse_addresses(text: str, default_port: int = 0) -> list[Address]:
    """Return host and port of each part of ``host[:port],[::1]:port``."""
    return [_parse(part.strip(), default_port) for part in text.split(",") if part.strip()]


def _parse(text: str, default_port: int) -> Address:
    host, colon, number = text.rpartition(":")
    if colon and number.isdigit() and not host.endswith(":"):
        return host.strip("[]"), int(number)
    return text.strip("[]"), default_port


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reachable(host: str) -> str:
    """Return a host to connect to for a host that is listened on."""
    return "127.0.0.1" if host in _ANYWHERE else host
