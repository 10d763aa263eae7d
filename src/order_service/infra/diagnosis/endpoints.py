"""Whether something listens where a server should be, before anyone logs in to it."""

import socket
from collections.abc import Generator, Sequence

from order_service.infra.addresses import Address

from .finding import Finding, fault, ok, warning


def trouble_with(address: Address, timeout: float) -> tuple[str, str] | None:
    """Return why `address` cannot be connected to and what to do; None if it can be.

    Args:
        address: Host and TCP port; a host that begins with a slash is the folder of a socket.
        timeout: Seconds.
    """
    host, port = address
    if host.startswith("/"):
        return None
    try:
        socket.create_connection(address, timeout).close()
    except socket.gaierror:
        return f"the name {host} is not known here", "correct the name, or the DNS of this machine"
    except TimeoutError:
        return (
            f"{host}:{port} does not answer within {timeout:g} s",
            "is the machine up, and do firewalls and network policies let us through?",
        )
    except ConnectionRefusedError:
        return f"nothing listens on {host}:{port}", "start the server, or correct the address"
    except OSError as error:
        return f"{host}:{port}: {error.strerror or error}", "correct the address or the network"
    return None


def reach(addresses: Sequence[Address], key: str, timeout: float) -> Generator[Finding, None, bool]:
    """Yield a fault if none of `addresses` can be reached; return whether one can be.

    Args:
        addresses: Where the servers of one part are.
        key: The setting that names them.
        timeout: Seconds for each.
    """
    away = {address: trouble_with(address, timeout) for address in addresses}
    reached = [f"{host}:{port}" for (host, port), trouble in away.items() if trouble is None]
    level = warning if reached else fault
    for trouble in filter(None, away.values()):
        text, remedy = trouble
        yield level("reachable", text, f"{remedy} ({key})")
    if reached:
        yield ok("reachable", f"{', '.join(reached)} accepts connections")
    return bool(reached)
