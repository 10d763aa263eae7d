"""Bounds how often one client may ask, so that one of them cannot take all there is.

The token bucket is kept as the one number that says all of it: the time at which the
bucket is full again (the "generic cell rate algorithm"). Each worker process counts for
itself.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from .headers import RETRY_AFTER
from .metering import HttpMeter
from .refusal import refuse

_MOST_CLIENTS = 65536
# What a household or a server gets is 2^64 addresses: counting each would limit nothing.
_IPV6_PREFIX = 64
# Probes must not fail because somebody behind the same address is busy.
_UNLIMITED = "/health/"

_Address = IPv4Address | IPv6Address


class TokenBuckets:
    """One bucket a client, with a bound on their number. Thread-safe.

    Args:
        rate: Tokens a second; a full bucket holds one second's worth, at least one.
        most_clients: Buckets that are kept; the one that was used least recently is
            forgotten first, and with it what its client has taken.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        rate: float,
        most_clients: int = _MOST_CLIENTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cost = 1.0 / rate
        self._most_ahead = max(1.0, rate) / rate
        self._most_clients = most_clients
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, client: str) -> float:
        """Take a token; return 0.0, or the seconds until there is one if there is none."""
        now = self._clock()
        with self._lock:
            full_at = max(self._full_at.get(client, now), now) + self._cost
            wait = full_at - now - self._most_ahead
            # A millionth of a second is rounding, not a client in a hurry.
            if wait > 1e-6:  # noqa: PLR2004
                return wait
            self._full_at[client] = full_at
            self._full_at.move_to_end(client)
            if len(self._full_at) > self._most_clients:
                self._full_at.popitem(last=False)
        return 0.0


class ClientAddress:
    """Tells clients apart by their address.

    Args:
        trusted: Addresses or networks of proxies whose X-Forwarded-For is believed. Anybody
            else could claim any address, and with it a bucket of its own.

    Raises:
        ValueError: One of `trusted` is neither.
    """

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        self._trusted = [ip_network(proxy) for proxy in trusted]

    def of(self, environ: WSGIEnvironment) -> str:
        """Return the address of the client: for IPv6 its network of 64 bits."""
        peer: str = environ.get("REMOTE_ADDR", "")
        if not self._trusted and ":" not in peer:
            return peer
        address = _parsed(peer)
        if address is None:
            return peer
        return _bucket(self._origin(address, environ.get("HTTP_X_FORWARDED_FOR", "")))

    def _origin(self, peer: _Address, forwarded: str) -> _Address:
        """Follow the chain of proxies back to the first that is not trusted."""
        for hop in reversed(forwarded.split(",")):
            if not any(peer in network for network in self._trusted):
                break
            address = _parsed(hop.strip())
            if address is None:
                break
            peer = address
        return peer


def told_apart_by(text: str) -> str | None:
    """Return by what `ClientAddress` tells the client at an address apart; None if it is none."""
    address = _parsed(text)
    return None if address is None else _bucket(address)


def _parsed(text: str) -> _Address | None:
    """Return the address that `text` writes, an IPv4 one in IPv6 clothes as what it is."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _bucket(address: _Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_PREFIX), strict=False))


class RateLimit:
    """WSGI middleware that answers 429 to clients that ask too often.

    Args:
        app: Answers the others.
        buckets: What clients may still take.
        address: Tells clients apart.
        meter: Counts the refusals.
    """

    def __init__(
        self, app: WSGIApplication, buckets: TokenBuckets, address: ClientAddress, meter: HttpMeter
    ) -> None:
        self._app = app
        self._take = buckets.take
        self._client = address.of
        self._meter = meter

    def __call__(self, environ: WSGIEnvironment, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - as WSGI has it
        """Handle one request."""
        if environ["PATH_INFO"].startswith(_UNLIMITED):
            return self._app(environ, start_response)
        wait = self._take(self._client(environ))
        if not wait:
            return self._app(environ, start_response)
        return refuse(
            environ,
            start_response,
            self._meter,
            HTTPStatus.TOO_MANY_REQUESTS,
            "This client asks too often.",
            [(RETRY_AFTER, str(math.ceil(wait)))],
        )
