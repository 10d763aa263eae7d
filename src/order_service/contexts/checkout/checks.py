"""What `doctor` asks about purchases."""

from collections.abc import Iterator
from typing import Any

import psycopg

from order_service.config import Config
from order_service.infra.diagnosis.finding import Finding, fault, ok
from order_service.messaging.tables import faults_of

from .storage import SCHEMA


def look_at_tables(_: Config, connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Yield whether the tables of messages are as the program needs them."""
    faults = [*faults_of(connection, SCHEMA, "outbox", "inbox")]
    if not faults:
        yield ok("checkout", "outbox and inbox are as they should be")
    for text in faults:
        yield fault("checkout", text, "`order-service migrate up`")
