"""`order-service reconcile --topic`: whether the tables hold what was consumed from a topic."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from order_service.context import Contexts
from order_service.context.commands import reporting
from order_service.context.exit_codes import ExitCode
from order_service.context.process import Process
from order_service.context.topic_comparison import Difference, Repaired, Tally, TopicComparison
from order_service.infra.postgres.faults import UnavailableError

from .moments import milliseconds, rfc3339
from .refusals import POSTGRES_AWAY

if TYPE_CHECKING:
    from order_service.infra.kafka.ranges import Stretch

MOST_SHOWN = 1000
"""Differences that are shown; there may be more."""

_SINCE = "1h"

_REFUSALS = {
    UnknownTopicOrPartitionError: "there is no topic {0.args[0]}",
    KafkaError: "Kafka cannot be used, try again: {}",
    UnavailableError: POSTGRES_AWAY,
    OSError: "{}",
}


class Compared(NamedTuple):
    """What was found of one topic, and how long it took in seconds."""

    stretches: "Sequence[Stretch]"
    tally: Tally
    seconds: float

    @property
    def waiting(self) -> int:
        """Messages behind what is committed."""
        return sum(each.waiting for each in self.stretches)


def run(contexts: Contexts, since: int | None, *, repair: bool, as_json: bool) -> NoReturn:
    """Compare the topic of each context that can, and end the program.

    Args:
        contexts: All contexts.
        since: Milliseconds since the epoch; None for an hour ago.
        repair: Whether to store what is lacking.
        as_json: Whether to print JSON.
    """
    config = contexts.configured("postgres", "kafka", *(["redis"] if repair else []))
    since = milliseconds(_SINCE, time.time()) if since is None else max(0, since)
    able = [each.topic_comparison for each in contexts.enabled(config) if each.topic_comparison]
    left = 0
    for open_comparison in able:
        with reporting(_REFUSALS), Process(config) as process:
            comparison = open_comparison(process)
            left += _reconciled(comparison, since, repair=repair, as_json=as_json)
    if not able:
        click.echo("no context that is on can compare its topic with its tables", err=True)
    sys.exit(ExitCode.FAILED if left else ExitCode.DONE)


def _reconciled(comparison: TopicComparison, since: int, *, repair: bool, as_json: bool) -> int:
    """Compare one topic, print what is found; return how many differences are left."""
    compared = _compared(comparison, since)
    for each in comparison.differences(MOST_SHOWN):
        click.echo((json_of if as_json else line_of)(comparison, each))
    click.echo(summary_of(comparison, compared), err=True)
    left = compared.tally.missing + compared.tally.outdated
    repaired = Repaired()
    if repair and left:
        repaired = _repaired(comparison, left)
        click.echo(repair_of(repaired), err=True)
        left = repaired.gone
    if as_json:
        click.echo(json_summary_of(comparison, compared, repaired))
    return left


def _compared(comparison: TopicComparison, since: int) -> Compared:
    stretches = comparison.stretches(since)
    for line in preamble_of(comparison, stretches, since):
        click.echo(line, err=True)
    began = time.monotonic()
    total = sum(each.consumed.stop - each.consumed.start for each in stretches)
    with _bar("Comparing", total) as bar:
        for messages in comparison.compare(stretches, since):
            bar.update(messages)
    return Compared(stretches, comparison.tally(), time.monotonic() - began)


def _repaired(comparison: TopicComparison, total: int) -> Repaired:
    done = Repaired()
    with _bar("Repairing", total) as bar:
        for step in comparison.repair():
            done = Repaired(*map(sum, zip(done, step, strict=True)))
            bar.update(sum(step))
    return done


def _bar(label: str, total: int) -> "click._termui_impl.ProgressBar[int]":
    """Return a progress bar that shows on a terminal only."""
    hidden = not sys.stderr.isatty()
    return click.progressbar(length=total, label=label, file=sys.stderr, hidden=hidden)


def preamble_of(
    comparison: TopicComparison, stretches: "Sequence[Stretch]", since: int
) -> Iterator[str]:
    """Yield what is about to be compared, and what cannot be, in words."""
    topic, group = comparison.topic, comparison.group
    yield f"{topic}: from {rfc3339(since)} to what the group {group} has committed"
    if cut := [each for each in stretches if each.is_cut]:
        yield (
            f"what stood before offset {_places(cut)} is not in the topic any more "
            "and cannot be compared"
        )
    if new := [str(each.consumed.partition) for each in stretches if not each.committed]:
        yield f"the group has committed nothing in partition {', '.join(new)}: nothing to compare"


def _places(stretches: "Sequence[Stretch]") -> str:
    return ", ".join(f"{each.first} of partition {each.consumed.partition}" for each in stretches)


def line_of(comparison: TopicComparison, found: Difference) -> str:
    """Return a difference as one line for people."""
    return (
        f"{comparison.things} {found.id}: {found.lack}, see offset {found.offset} "
        f"of partition {found.partition}, {rfc3339(found.timestamp)}"
    )


def json_of(comparison: TopicComparison, found: Difference) -> str:
    """Return a difference as one line of JSON."""
    return json.dumps({"things": comparison.things, "topic": comparison.topic, **found._asdict()})


def summary_of(comparison: TopicComparison, compared: Compared) -> str:
    """Return what a comparison came to, in words."""
    tally, seconds = compared.tally, compared.seconds
    lacking = tally.missing + tally.outdated
    more = f", the first {MOST_SHOWN} shown" if lacking > MOST_SHOWN else ""
    return (
        f"{tally.messages} messages compared in {seconds:.1f} s "
        f"({tally.messages / max(seconds, 1e-3):.0f} a second), {compared.waiting} in flight and "
        f"left out, {tally.dead_letters} are dead letters; "
        f"{comparison.things}: {tally.missing} missing, {tally.outdated} outdated{more}"
    )


def repair_of(done: Repaired) -> str:
    """Return what a repair came to, in words."""
    words = f"{done.created} created, {done.replaced} replaced, {done.unchanged} there by now"
    if done.refused:
        words += f", {done.refused} refused by the database for good"
    if done.gone:
        words += f", {done.gone} not in the topic any more"
    return words


def json_summary_of(comparison: TopicComparison, compared: Compared, done: Repaired) -> str:
    """Return the numbers as one line of JSON, the last one."""
    return json.dumps(
        {
            "things": comparison.things,
            "topic": comparison.topic,
            "seconds": round(compared.seconds, 3),
            "in_flight": compared.waiting,
            "cut_partitions": [e.consumed.partition for e in compared.stretches if e.is_cut],
            "uncommitted_partitions": [
                each.consumed.partition for each in compared.stretches if not each.committed
            ],
            **compared.tally._asdict(),
            "repaired": done._asdict(),
        }
    )
