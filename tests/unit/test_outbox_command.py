"""`order-service outbox`: whose outbox is meant, and what is shown of a message."""

import json
from datetime import UTC, datetime
from uuid import UUID

import click
import pytest

from order_service.cli.outbox import chosen_owners, json_of, line_of, outbox_owners
from order_service.context import Context, Contexts
from order_service.messaging.outbox.admin import WaitingMessage
from order_service.messaging.tables import rights_in

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
BLOCKED = WaitingMessage(
    7, UUID(int=1), "t", b"\x1b[2J\xff", {"type": "x.v1"}, NOON, 3, "no\nway", NOON
)


def test_contexts_with_rights_on_an_outbox_have_one() -> None:
    with_outbox = Context(name="payments", rights=rights_in("payments", "outbox", "inbox"))
    without = Context(name="loyalty", rights=rights_in("loyalty", "inbox"))
    assert outbox_owners(Contexts([with_outbox, without])) == ["payments"]


def test_all_outboxes_are_meant_unless_one_is_named() -> None:
    assert chosen_owners(["a", "b"], None) == ["a", "b"]
    assert chosen_owners(["a", "b"], "b") == ["b"]
    with pytest.raises(click.UsageError, match="c has no outbox, but: a, b"):
        chosen_owners(["a", "b"], "c")


def test_a_line_is_one_line_whatever_a_key_or_an_error_holds() -> None:
    line = line_of("payments", BLOCKED)
    assert line.isprintable()
    assert "refused 3 times" in line
    assert "2026-11-26T12:00:00Z" in line
    assert "refused" not in line_of("payments", BLOCKED._replace(attempts=0, last_error=None))


def test_json_tells_all_but_the_body() -> None:
    told = json.loads(json_of("payments", BLOCKED))
    assert (told["context"], told["id"], told["type"], told["attempts"]) == (
        "payments",
        7,
        "x.v1",
        3,
    )
    assert told["blocked_until"] == "2026-11-26T12:00:00+00:00"
    never = json.loads(json_of("payments", BLOCKED._replace(blocked_until=None)))
    assert never["blocked_until"] is None
