"""Addresses of accrual systems, as people write them."""


def base_of(address: str) -> str:
    """Return the address with a scheme and a host, and without a slash at its end.

    An address without a host is of this machine.
    """
    scheme, _, place = (address if "://" in address else f"http://{address}").partition("://")
    return f"{scheme}://{'127.0.0.1' if place.startswith(':') else ''}{place}".rstrip("/")
