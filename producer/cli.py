"""The command line of the producer."""

import itertools
import logging
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import click

from producer.addresses import DEFAULT_TOPIC, connection, settings
from producer.faults import DEFAULT_KINDS, Kind
from producer.files import messages_of
from producer.generator import Mix, OrderGenerator
from producer.lookup import NewestOrders, NotAnswered, api_of, await_answers
from producer.message import Message
from producer.pace import paced, stop_on_signals
from producer.record import Recorder
from producer.sender import Sender, Tally, Unreachable, connect
from producer.trace import new_traceparent

_PATIENCE = 8.0
# Seconds that messages on the way get after a signal.
_GRACE = 5.0
_SHARE = click.FloatRange(0, 1)
_LIVE = timedelta(seconds=2)


_EXAMPLES = """\b
Examples:
  python -m producer --count 10000 --invalid 0.05
  python -m producer --count 0 --rate 5
  python -m producer --file tests/data/order.json --wait
"""


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    count: int | None
    rate: float
    invalid: float
    duplicates: float
    changed: float
    kinds: tuple[str, ...]
    file: Path | None
    seed: int | None
    key: str | None
    topic: str | None
    bootstrap_servers: str | None
    record: Path | None
    timeout: float
    trace: bool
    wait: bool
    api: str | None
    quiet: bool


@click.command(epilog=_EXAMPLES)
@click.option("--count", type=click.IntRange(0), help="Messages to send; 0: until stopped. [1000]")
@click.option("--rate", type=click.FloatRange(0), default=0, help="Per second; 0: at once. [0]")
@click.option("--invalid", type=_SHARE, default=0, help="Share that is no valid order. [0]")
@click.option("--duplicates", type=_SHARE, default=0, help="Share that is sent again. [0]")
@click.option("--changed", type=_SHARE, default=0, help="Share with an earlier uid, changed. [0]")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in Kind]),
    help="Kind of invalid message; repeat for several. [all but too_large]",
)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send the orders of this file: one JSON object, a list, or JSON lines.",
)
@click.option("--seed", type=int, help="The same seed makes the same orders. [random]")
@click.option("--key", help="Key of all messages instead of the order_uid.")
@click.option("--topic", help="[ORDERS_TOPIC, else orders]")
@click.option("--bootstrap-servers", help="[KAFKA_BOOTSTRAP_SERVERS, else the running stack's]")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write each message and its fate as a JSON line.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(2),
    default=120,
    help="Seconds after which a message that no broker acknowledged has failed. [120]",
)
@click.option("--trace", is_flag=True, help="Begin a trace with each message (traceparent).")
@click.option("--wait", is_flag=True, help="Wait until what was sent can be looked up.")
@click.option("--api", help="Where to look it up. [http://localhost and HTTP_PORT, else 8080]")
@click.option("--quiet", is_flag=True, help="Print nothing but failures.")
def main(**given: Any) -> None:  # noqa: ANN401  click passes each option under its name
    """Send random but realistic orders, or those of a file, to Kafka.

    The broker is taken from --bootstrap-servers, else KAFKA_BOOTSTRAP_SERVERS (also in .env),
    else from the stack that `order-service run` started here, else it is localhost:9092.

    Exit codes: 0 all sent, 1 not all, 2 bad usage, 130 stopped before the count was reached.
    """
    options = Options(**given)
    if options.invalid + options.duplicates + options.changed > 1:
        raise click.UsageError("--invalid, --duplicates and --changed are more than 1 together")
    if options.file and options.invalid + options.duplicates + options.changed:
        raise click.UsageError("--file sends what the file holds: no --invalid or repeats")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # failures are told in our own words
    sys.exit(_run(_counted(options)))


def _counted(options: Options) -> Options:
    """Return the options with a count: by default 1000, or each order of the file once."""
    if options.count is not None:
        return options
    return replace(options, count=len(_file(options.file)) if options.file else 1000)


def _run(options: Options) -> int:
    started, stop = monotonic(), Event()
    variables, newest = settings(os.environ), NewestOrders()
    with ExitStack() as stack:
        sender = _sender(options, variables, stack, stop, newest)
        stop_on_signals(stop)  # only now: until the broker answers, a signal may end us at once
        shown = stack.enter_context(_shown(options, _messages(options)))
        for message in paced(shown, options.rate, monotonic, stop):
            sender.send(message)
        sender.finish(_GRACE if stop.is_set() else options.timeout)
    _report(sender.tally, monotonic() - started, quiet=options.quiet)
    if options.wait and not stop.is_set():
        _wait(options, variables, newest, stop)
    if sender.tally.failed:
        return 1
    return 130 if stop.is_set() and options.count else 0


def _wait(
    options: Options, variables: Mapping[str, str], newest: NewestOrders, stop: Event
) -> None:
    began = monotonic()
    try:
        await_answers(options.api or api_of(variables), newest.uids(), options.timeout, stop)
    except NotAnswered as error:
        raise click.ClickException(f"not all can be looked up: {error}") from error
    if not options.quiet:
        click.echo(f"they can be looked up (after {monotonic() - began:.1f} s)")


def _sender(
    options: Options,
    variables: Mapping[str, str],
    stack: ExitStack,
    stop: Event,
    newest: NewestOrders,
) -> Sender:
    topic = options.topic or variables.get("ORDERS_TOPIC") or DEFAULT_TOPIC
    try:
        kafka = connection(variables, options.bootstrap_servers)
        producer = connect(kafka, topic, _PATIENCE, options.timeout)
    except (Unreachable, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if options.record is None:
        return Sender(producer, topic, stop, newest)
    record = stack.enter_context(options.record.open("w", encoding="utf-8"))
    return Sender(producer, topic, stop, newest, Recorder(record))


def _messages(options: Options) -> Iterator[Message]:
    source = itertools.cycle(_file(options.file)) if options.file else _generated(options)
    limited: Iterator[Message] = itertools.islice(source, options.count or None)
    if options.key is not None:
        key = options.key.encode()
        limited = (replace(message, key=key) for message in limited)
    if options.trace:
        return (replace(message, traceparent=new_traceparent()) for message in limited)
    return limited


def _file(path: Path) -> list[Message]:
    try:
        return messages_of(path)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path}: {error}") from error


def _generated(options: Options) -> Iterator[Message]:
    kinds = tuple(map(Kind, options.kinds)) or DEFAULT_KINDS
    mix = Mix(options.invalid, options.duplicates, options.changed, kinds)
    seed = secrets.randbits(32) if options.seed is None else options.seed
    # At a rate, orders are of this moment; in bulk they are those of a day.
    spread = _LIVE if options.rate else timedelta(days=1)
    generator = OrderGenerator(seed, datetime.now(UTC), mix, spread)
    while True:
        if options.rate:
            generator.now = datetime.now(UTC)
        yield generator.message()


def _shown(options: Options, messages: Iterator[Message]) -> Any:  # noqa: ANN401  click's own type
    hidden = options.quiet or not options.count or not sys.stderr.isatty()
    length = options.count or None
    return click.progressbar(messages, length, "sending", file=sys.stderr, hidden=hidden)


def _report(tally: Tally, seconds: float, *, quiet: bool) -> None:
    failed = tally.failed.total()
    refused = f", {tally.refused} refused as too large" if tally.refused else ""
    if not quiet:
        click.echo(
            f"sent {tally.acknowledged} orders ({tally.invalid} invalid) in {seconds:.1f} s"
            f"{refused}, {failed} failed"
        )
    for reason, number in _most_common(tally):
        click.echo(f"{number} failed: {reason}", err=True)


def _most_common(tally: Tally) -> Iterable[tuple[str, int]]:
    return tally.failed.most_common(5)
