"""What `doctor` asks about points: whether the accrual system can be reached."""

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg

from order_service.config import Config
from order_service.infra.diagnosis.finding import Finding, ok, warning

from .addresses import base_of
from .settings import LoyaltySettings

_TIMEOUT = 2.0
_PORTS = {"http": 80, "https": 443}


def look_at_accrual_system(config: Config, _: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Yield whether somebody listens at the address, where one is named."""
    address = config.of(LoyaltySettings).accrual_address
    if not address:
        return  # it is ourselves
    parts = urlsplit(base_of(address))
    try:
        place = (parts.hostname or "", parts.port or _PORTS[parts.scheme])
        socket.create_connection(place, _TIMEOUT).close()
    except (OSError, ValueError) as error:
        text = f"{address} cannot be reached ({error}): numbers wait, points come later"
        yield warning("accrual", text, "start the accrual system, or correct the address "
            "(loyalty.accrual_address)")  # fmt: skip
    else:
        yield ok("accrual", f"somebody listens at {address}")
