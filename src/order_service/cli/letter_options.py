"""What the commands on dead letters share: ids, filters, the connection, progress."""

import functools
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from .moments import Moment
from .settings import configured

if TYPE_CHECKING:
    from order_service.contexts.orders.dead_letter_record import LetterId

Command = Callable[..., None]


class IdType(click.ParamType["LetterId"]):
    """The id of a letter."""

    name = "id"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> "LetterId":
        """Return the id, or end with what is wrong."""
        from order_service.contexts.orders.dead_letter_record import LetterId  # noqa: PLC0415 - slow

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
        from order_service.contexts.orders.dead_letter_search import Wanted  # noqa: PLC0415 - slow

        command(wanted=Wanted(frozenset(reason), since, until, partition, key), **rest)

    for option in reversed(_FILTERS):
        wrapped = option(wrapped)
    return wrapped


_FILTERS = (
    click.option("--reason", multiple=True, help="Such as invalid_json; may be repeated."),
    click.option("--since", type=Moment(), help="Buried then or later: RFC 3339, or 2h for ago."),
    click.option("--until", type=Moment(), help="Buried before then."),
    click.option("--partition", type=click.IntRange(min=0), help="Partition of the source topic."),
    click.option("--key", "--uid", "key", help="Key of the message, or the order_uid in it."),
)


def with_desk(command: Command) -> Command:
    """Open the dead letters as argument `desk`; say in one line why that failed."""

    @functools.wraps(command)
    def wrapped(**rest: Any) -> None:  # noqa: ANN401 - click's arguments
        from kafka.errors import KafkaError, UnknownTopicOrPartitionError  # noqa: PLC0415

        from order_service.bootstrap.dead_letters import open_desk  # noqa: PLC0415
        from order_service.contexts.orders.errors import DeadLettersUnavailableError  # noqa: PLC0415

        config = configured("kafka")
        try:
            with open_desk(config) as desk:
                command(desk=desk, **rest)
        except UnknownTopicOrPartitionError as error:
            topic = config.kafka.dead_letter_topic
            raise click.ClickException(f"there is no topic {topic}") from error
        except (KafkaError, DeadLettersUnavailableError) as error:
            raise click.ClickException(f"Kafka cannot be used, try again: {error}") from error

    return wrapped


def track(label: str) -> Callable[[Iterator[Any], int], Iterator[Any]]:
    """Return what shows progress on a terminal."""

    def track(records: Iterator[Any], total: int) -> Iterator[Any]:
        if not sys.stderr.isatty():
            yield from records
            return
        with click.progressbar(records, length=total, label=label, file=sys.stderr) as bar:
            yield from bar

    return track
