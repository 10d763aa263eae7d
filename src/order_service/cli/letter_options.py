"""What the commands on dead letters share: ids, filters, the connection, progress."""

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from order_service.context import Contexts
from order_service.context.commands import pass_contexts

from .moments import Moment

if TYPE_CHECKING:
    from order_service.messaging.dead_letters import DeadLetterTopic
    from order_service.messaging.dead_letters.record import LetterId

Command = Callable[..., None]


class IdType(click.ParamType["LetterId"]):
    """The id of a letter."""

    name = "id"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "LetterId":
        """Return the id, or end with what is wrong."""
        from order_service.messaging.dead_letters.record import LetterId  # noqa: PLC0415 - slow

        try:
            return LetterId.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def filters(command: Command) -> Command:
    """Add the options that say which letters are meant, as one argument `wanted`."""

    @functools.wraps(command)
    def wrapped(
        *,
        reason: tuple[str, ...],
        since: int | None,
        until: int | None,
        partition: int | None,
        key: str | None,
        **rest: Any,  # noqa: ANN401 - click's arguments
    ) -> None:
        from order_service.messaging.dead_letters.search import Wanted  # noqa: PLC0415 - slow

        command(wanted=Wanted(frozenset(reason), since, until, partition, key), **rest)

    for option in reversed(_FILTERS):
        wrapped = option(wrapped)
    return wrapped


_FILTERS = (
    click.option("--reason", multiple=True, help="Such as invalid_json; may be repeated."),
    click.option("--since", type=Moment(), help="Rejected then or later: RFC 3339, or 2h for ago."),
    click.option("--until", type=Moment(), help="Rejected before then."),
    click.option("--partition", type=click.IntRange(min=0), help="Partition of the source topic."),
    click.option("--key", "--uid", "key", help="Key of the message, or the order_uid in it."),
)


def with_dead_letters(command: Command) -> Command:
    """Open a dead-letter topic as argument `letters`; say in one line why that failed.

    Adds the options that choose one.
    """

    @functools.wraps(command)
    def wrapped(
        contexts: Contexts,
        *,
        context: str | None,
        topic: str | None,
        **rest: Any,  # noqa: ANN401 - click's arguments
    ) -> None:
        from kafka.errors import KafkaError, UnknownTopicOrPartitionError  # noqa: PLC0415

        from order_service.bootstrap import dead_letters  # noqa: PLC0415
        from order_service.messaging.errors import DeadLettersUnavailableError  # noqa: PLC0415

        config = contexts.configured("kafka")
        chosen = chosen_topic(dead_letters.topics_of(contexts, config), context, topic)
        try:
            with dead_letters.open_dead_letters(config, chosen) as letters:
                command(letters=letters, **rest)
        except UnknownTopicOrPartitionError as error:
            raise click.ClickException(f"there is no topic {chosen.name}") from error
        except (KafkaError, DeadLettersUnavailableError) as error:
            raise click.ClickException(f"Kafka cannot be used, try again: {error}") from error

    given: Command = pass_contexts(wrapped)
    for option in reversed(_TOPICS):
        given = option(given)
    return given


_TOPICS = (
    click.option(
        "--context", help="The context whose dead letters are meant [default: the first one]."
    ),
    click.option("--topic", help="The dead-letter topic, if there are several."),
)


def chosen_topic(
    topics: "Mapping[str, DeadLetterTopic]", context: str | None, name: str | None
) -> "DeadLetterTopic":
    """Return the one topic that is meant: without a choice, that of the first context.

    Args:
        topics: Name of the context to its dead-letter topic, in the order of the contexts.
        context: Name of a context; None means any.
        name: Name of a topic; None means any.
    """
    found = [
        topic
        for owner, topic in topics.items()
        if context in {None, owner} and name in {None, topic.name}
    ]
    if found and context is None and name is None:
        return found[0]
    if len(found) != 1:
        there_are = ", ".join(f"{topic.name} ({owner})" for owner, topic in topics.items())
        raise click.UsageError(f"choose one with --context or --topic: {there_are or 'none'}")
    return found[0]


def track(label: str) -> Callable[[Iterator[Any], int], Iterator[Any]]:
    """Return what shows progress on a terminal."""

    def track(records: Iterator[Any], total: int) -> Iterator[Any]:
        if not sys.stderr.isatty():
            yield from records
            return
        with click.progressbar(records, length=total, label=label, file=sys.stderr) as bar:
            yield from bar

    return track
