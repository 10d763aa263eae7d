"""`order-service outbox`: look at messages that wait to be published, and at what holds them up."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from order_service.context import Contexts
from order_service.context.commands import Group, pass_contexts, reporting

from .moments import rfc3339
from .refusals import POSTGRES_AWAY

if TYPE_CHECKING:
    from order_service.messaging.outbox.admin import OutboxAdmin, WaitingMessage


@click.group(
    cls=Group,
    context_settings={"show_default": True},
    examples=[
        ("outbox list --blocked", "what topics refuse, and why"),
        ("outbox retry", "try all of it again now"),
    ],
)
def outbox() -> None:
    """Work on the messages that wait to be published.

    A context adds them in the transaction of a change; its relay publishes them, and deletes what
    the brokers have acknowledged. One that its topic refuses stays, is tried again by itself, at
    most a minute later, and holds up what is behind it with the same key.
    """


_CONTEXT = click.option("--context", help="Only the outbox of this context.")


@outbox.command(
    "list",
    examples=[
        ("outbox list", "the oldest 100 of each context"),
        ("outbox list --blocked", "those that a topic has refused"),
        ("outbox list --json", "one JSON object a line, for programs"),
    ],
)
@_CONTEXT
@click.option("--blocked", is_flag=True, help="Only those that a topic has refused.")
@click.option("--limit", default=100, type=click.IntRange(1, 100_000), help="The oldest so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_contexts
def list_(
    contexts: Contexts, *, context: str | None, blocked: bool, limit: int, as_json: bool
) -> None:
    """List messages that wait, oldest first.

    Shows where to, since when, and what is in the way; nothing of what is in them but their keys.
    """
    text = json_of if as_json else line_of
    with _opened(contexts, context) as outboxes:
        for owner, admin in outboxes.items():
            waiting = admin.list(limit, blocked=blocked)
            for message in waiting.messages:
                click.echo(text(owner, message))
            click.echo(f"{owner}: {waiting.total} waiting, {waiting.blocked} blocked", err=True)


@outbox.command(
    examples=[
        ("outbox retry", "all that is blocked"),
        ("outbox retry --context accounts 1042", "one message, by the ID that the list shows"),
    ]
)
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.IntRange(min=1))
@_CONTEXT
@pass_contexts
def retry(contexts: Contexts, *, ids: tuple[int, ...], context: str | None) -> None:
    """Have blocked messages tried again at once.

    All of them, unless they are named by ID. They are tried again by themselves, too, at most a
    minute later; so this is for whoever has just removed the cause.
    """
    with _opened(contexts, context) as outboxes:
        if ids and len(outboxes) != 1:
            raise click.UsageError(f"say whose, with --context: {', '.join(outboxes) or 'none'}")
        for owner, admin in outboxes.items():
            retried = admin.retry(ids or None)
            for id_ in sorted(set(ids) - set(retried)):
                click.echo(f"{owner}: {id_} is not blocked", err=True)
            click.echo(f"{owner}: {len(retried)} will be tried again", err=True)


@contextlib.contextmanager
def _opened(contexts: Contexts, name: str | None) -> "Iterator[Mapping[str, OutboxAdmin]]":
    """Open the outboxes that are meant, by their contexts; say in one line why that failed."""
    from order_service.context.process import Process  # noqa: PLC0415 - slow
    from order_service.infra.postgres.faults import UnavailableError  # noqa: PLC0415
    from order_service.messaging.outbox.admin import OutboxAdmin  # noqa: PLC0415

    config = contexts.configured("postgres")
    owners = chosen_owners(outbox_owners(contexts), name)
    with Process(config, scopes=contexts.scopes) as process:
        database = process.database(1)
        with reporting({UnavailableError: POSTGRES_AWAY}):
            yield {owner: OutboxAdmin(database, owner) for owner in owners}


def outbox_owners(contexts: Contexts) -> Sequence[str]:
    """Return the names of the contexts that have an outbox: the service has rights on it."""
    return [each.name for each in contexts.installed if f"{each.name}.outbox" in each.rights]


def chosen_owners(owners: Sequence[str], name: str | None) -> Sequence[str]:
    """Return those of `owners` that are meant: all, or the one with this name."""
    if name is None:
        return owners
    if name not in owners:
        raise click.UsageError(f"{name} has no outbox, but: {', '.join(owners) or 'none has'}")
    return [name]


def line_of(owner: str, message: "WaitingMessage") -> str:
    """Return a message as one line for people."""
    from order_service.messaging.dead_letters.masking import key_text, printable  # noqa: PLC0415

    columns = [
        f"{owner}  {message.id:>8}",
        rfc3339(round(message.created_at.timestamp() * 1000)),
        message.topic,
        f"key={key_text(message.key[:64])}",
        f"refused {message.attempts} times" if message.attempts else "",
        printable(message.last_error or ""),
    ]
    return "  ".join(filter(None, columns))


def json_of(owner: str, message: "WaitingMessage") -> str:
    """Return a message as one line of JSON."""
    from order_service.messaging.dead_letters.masking import key_text  # noqa: PLC0415

    blocked_until = message.blocked_until
    return json.dumps(
        {
            "context": owner,
            "id": message.id,
            "message_id": str(message.message_id),
            "type": message.headers.get("type"),
            "topic": message.topic,
            "key": key_text(message.key),
            "created_at": message.created_at.isoformat(),
            "attempts": message.attempts,
            "last_error": message.last_error,
            "blocked_until": blocked_until and blocked_until.isoformat(),
        }
    )
