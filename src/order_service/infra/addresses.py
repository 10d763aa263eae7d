"""Network addresses as people write them."""

from ipaddress import ip_address

Address = tuple[str, int]
"""Host and TCP port."""

_ANYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def parse_addresses(text: str, default_port: int = 0) -> list[Address]:
    """Return host and port of each part of ``host[:port],[::1]:port``.

    An address of IPv6 without brackets is one without a port.
    """
    return [_parse(part.strip(), default_port) for part in text.split(",") if part.strip()]


def _parse(text: str, default_port: int) -> Address:
    host, colon, number = text.rpartition(":")
    if colon and number.isdecimal() and not is_ip_address(text):
        return host.strip("[]"), int(number)
    return text.strip("[]"), default_port


def is_ip_address(host: str) -> bool:
    """Whether `host` is an address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    return ip_address(host).is_loopback if is_ip_address(host) else host == "localhost"


def reachable(host: str) -> str:
    """Return a host to connect to for a host that is listened on."""
    return "127.0.0.1" if host in _ANYWHERE else host
