"""`order-service reconcile`: whether contexts that keep books about the same things agree."""

import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from order_service.context import Contexts
from order_service.context.commands import Command, pass_contexts, reporting
from order_service.context.exit_codes import ExitCode

from .moments import Moment
from .refusals import POSTGRES_AWAY

if TYPE_CHECKING:
    from order_service.config import Config
    from order_service.context.claims import Claim, ClaimsReader
    from order_service.context.comparing import Disagreement, Tally
    from order_service.infra.postgres.database import Database


class Pair(NamedTuple):
    """Two contexts that keep books about the same things.

    Attributes:
        things: What both call them: ``purchases``.
        names: Of the contexts.
        readers: Read what each of them says.
    """

    things: str
    names: tuple[str, str]
    readers: "tuple[ClaimsReader, ClaimsReader]"


@click.command(
    cls=Command,
    examples=[
        ("reconcile", "do all books agree, but for the last minute?"),
        ("reconcile --younger-than 600", "leave ten minutes out: there was an outage"),
        ("reconcile --json", "one JSON object a line, for programs"),
        ("reconcile --topic --since 2h", "are the orders of two hours in the tables?"),
        ("reconcile --topic --since 2h --repair", "and store those that are not"),
    ],
)
@click.option(
    "--younger-than",
    "seconds",
    type=click.FloatRange(0, 86400),
    help="Leave out what changed in the last so many seconds  [default: 60].",
)
@click.option("--topic", is_flag=True, help="Compare what was consumed with the tables instead.")
@click.option(
    "--since",
    type=Moment(),
    help="Messages from then on: RFC 3339, or 2h for ago  [default: 1h].",
)
@click.option("--repair", is_flag=True, help="Store what the tables lack.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_contexts
def reconcile(  # noqa: PLR0913 - one argument an option
    contexts: Contexts,
    *,
    seconds: float | None,
    topic: bool,
    since: int | None,
    repair: bool,
    as_json: bool,
) -> None:
    """Compare the books that contexts keep about the same things.

    A purchase is sold by one context and paid for in another. This reads what both say of each, and
    what the ledger really took, and shows where they differ. It changes nothing and may run while
    the service works: what changed a moment ago, and may still be on its way, is left out. Exit
    code 1 if there is a difference.

    With --topic it reads a topic again, from --since to what its consumers have committed, and
    shows what the tables lack of it: a database that failed over may have lost what was stored
    last. --repair stores that as the consumers would, beside which it may run; then exit code 0
    says that all is there.
    """
    if topic:
        if seconds is not None:
            raise click.UsageError("--younger-than is not for --topic: what is in flight is known")
        from . import reconcile_topic  # noqa: PLC0415 - slow

        reconcile_topic.run(contexts, since, repair=repair, as_json=as_json)
    elif repair or since is not None:
        raise click.UsageError("--since and --repair are for --topic")
    _compare_books(contexts, 60.0 if seconds is None else seconds, as_json=as_json)


def _compare_books(contexts: Contexts, seconds: float, *, as_json: bool) -> None:
    config = contexts.configured("postgres")
    pairs = pairs_of(contexts, config)
    until = datetime.now(UTC) - timedelta(seconds=seconds)
    text = json_of if as_json else line_of
    differences = 0
    for pair, tally in _compared(config, pairs, until):
        for each in tally.differences:
            click.echo(text(pair, each))
        differences += tally.differ
        click.echo(summary_of(pair, tally), err=True)
    if not pairs:
        click.echo("no two contexts that are on keep books about the same things", err=True)
    sys.exit(ExitCode.FAILED if differences else ExitCode.DONE)


def pairs_of(contexts: Contexts, config: "Config") -> Sequence[Pair]:
    """Return the contexts that can be compared."""
    enabled = contexts.enabled(config)
    things = sorted({name for each in enabled for name in each.claims})
    return [
        Pair(name, (one.name, other.name), (one.claims[name], other.claims[name]))
        for name in things
        for one, other in itertools.combinations([e for e in enabled if name in e.claims], 2)
    ]


def _compared(
    config: "Config", pairs: Sequence[Pair], until: datetime
) -> "Iterator[tuple[Pair, Tally]]":
    from order_service.context.comparing import compare  # noqa: PLC0415 - slow
    from order_service.context.process import Process  # noqa: PLC0415
    from order_service.infra.postgres.faults import UnavailableError  # noqa: PLC0415

    with Process(config) as process:
        database: Database = process.database(2)
        with reporting({UnavailableError: POSTGRES_AWAY}):
            for pair in pairs:
                first, second = (partial(reader, database) for reader in pair.readers)
                yield pair, compare(first, second, until)


def line_of(pair: Pair, found: "Disagreement") -> str:
    """Return a difference as one line for people."""
    said = (
        f"{name} says {_words(claim)}" for name, claim in zip(pair.names, found.claims, strict=True)
    )
    return f"{pair.things} {found.id}: {', '.join(said)}"


def _words(claim: "Claim | None") -> str:
    if claim is None:
        return "nothing"
    return f"{claim.meaning} {claim.amount}" if claim.amount else f"{claim.meaning}"


def json_of(pair: Pair, found: "Disagreement") -> str:
    """Return a difference as one line of JSON."""
    said = {
        name: claim
        and {
            "meaning": claim.meaning,
            "amount": claim.amount,
            "changed_at": claim.changed_at.isoformat(),
        }
        for name, claim in zip(pair.names, found.claims, strict=True)
    }
    return json.dumps({"things": pair.things, "id": str(found.id), **said})


def summary_of(pair: Pair, tally: "Tally") -> str:
    """Return what a comparison came to, in words."""
    one, other = pair.names
    shown = len(tally.differences)
    more = f", the first {shown} shown" if shown < tally.differ else ""
    return (
        f"{pair.things} of {one} and {other}: {tally.compared} compared, "
        f"{tally.in_flight} changed just now and left out, {tally.differ} differ{more}"
    )
