"""The table in docs/performance.md, between two marker comments."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.harness import Row, figure
from benchmarks.stack import ROOT

PERFORMANCE = ROOT / "docs/performance.md"
BEGIN = "<!-- begin of the table that `make bench` writes -->"
END = "<!-- end of the table that `make bench` writes -->"

_HEAD = (
    "| what | compared with | goal | service | other | ratio (median) | spread | verdict |",
    "|---|---|---|---|---|---|---|---|",
)


def table(rows: Sequence[Row]) -> Iterable[str]:
    """Yield the lines of the table, and the conditions of each line behind it."""
    yield from _HEAD
    for number, row in enumerate(rows, 1):
        yield "| " + " | ".join(_cells(number, row)) + " |"
    yield ""
    yield "Figures are medians. A ratio is that of two runs side by side; the spread is the"
    yield "lowest and the highest of them. Conditions:"
    yield ""
    for number, row in enumerate(rows, 1):
        yield f"{number}. {row.conditions}"


def _cells(number: int, row: Row) -> list[str]:
    goal = str(row.goal) if row.goal else ""
    if row.skipped:
        return [f"{number}. {row.what}", row.against, goal, "", "", "", "", row.verdict]
    ratio = f"{figure(row.value)} {row.goal.unit if row.goal else ''}".strip()
    return [
        f"{number}. {row.what}",
        row.against,
        goal,
        f"{figure(row.own)} {row.unit}",
        f"{figure(row.other)} {row.unit}" if row.other is not None else "",
        ratio,
        row.spread,
        row.verdict,
    ]


def document(facts: Sequence[str], rows: Sequence[Row], failures: Sequence[str]) -> list[str]:
    """Return all lines between the markers."""
    lines = [f"- {fact}" for fact in facts]
    lines += ["", *table(rows)]
    if failures:
        lines += ["", "These could not be measured:", "", *(f"- {each}" for each in failures)]
    return lines


def write(path: Path, lines: Sequence[str]) -> None:
    """Replace what stands between the markers in `path`.

    Raises:
        ValueError: The markers are not there.
    """
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no markers for the table")
    path.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]))
