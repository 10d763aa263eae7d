"""Ingest against Go consumers of the usual kind: a transaction and a cache write an order."""

from collections.abc import Mapping, Sequence

from benchmarks import command
from benchmarks.golang import NoGoError, built, go_version
from benchmarks.harness import FULL, Goal, Row, Scale, alternate, at_least
from benchmarks.ingest import settings_of_run
from benchmarks.ingest_usual import our_rate, rate_of, usual_tables
from benchmarks.orders import samples
from benchmarks.stack import TOPIC, Stack, running_stack

_WHAT = "Ingest: Kafka to committed rows in four tables, cache and committed offsets"
_GOAL = at_least(15)
_USUAL = "Go: one transaction and one SET an order (franz-go, pgx, go-redis)"
_PIPELINED = "the same with the statements of an order in one round trip (pgx.Batch)"
_OTHERS: Mapping[str, tuple[str, Goal | None]] = {
    "consume": (_USUAL, _GOAL),
    "consume-pipelined": (_PIPELINED, None),
}


def go_rate(stack: Stack, mode: str, seconds: float) -> float:
    """Return the orders a second that a Go consumer stores within `seconds`."""
    usual_tables(stack)
    with stack.go(mode, **settings_of_run(stack, TOPIC)) as consumer:
        return rate_of(stack, consumer, seconds)


def _row(stack: Stack, scale: Scale, mode: str) -> Row:
    figures = alternate(
        lambda: our_rate(stack, scale.orders),
        lambda: go_rate(stack, mode, scale.seconds),
        scale.pairs,
    )
    facts = (
        f"{scale.orders:,} preloaded orders; ours and the tables as in the row against the usual "
        f"way; {go_version()}, read committed, offsets committed at least every 500 messages; rows "
        f"within {scale.seconds:g} s after the first one."
    )
    against, goal = _OTHERS[mode]
    return Row(_WHAT, against, goal, *figures, "orders/s", facts)


def run(scale: Scale) -> Sequence[Row]:
    """Measure."""
    try:
        built()
    except NoGoError as error:
        return [Row(_WHAT, _USUAL, _GOAL, (), (), "", "", skipped=str(error))]
    with running_stack(with_kafka=True) as stack:
        stack.send(samples(scale.orders))
        modes = _OTHERS if scale == FULL else ["consume"]
        return [_row(stack, scale, mode) for mode in modes]


if __name__ == "__main__":
    command.main(run, __doc__)
