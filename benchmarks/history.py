"""What was measured before: a JSON file for each run, and what changed between two of them.

A file holds the commit, the conditions and every figure of every pair, so that two runs can be
compared by ratios, which mean something on a machine that others share, as well as by figures.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness import Row, figure
from benchmarks.stack import ROOT

HISTORY = ROOT / ".cache/benchmarks/history"

Run = Mapping[str, Any]
"""A run as it stands in its file."""


def commit() -> str:
    """Return the commit that is measured, with ``-dirty`` behind it if it was changed since."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def write(facts: Sequence[str], rows: Sequence[Row], folder: Path = HISTORY) -> Path:
    """Write a run into a new file; return its path."""
    now, measured = datetime.now(UTC), commit()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y%m%dT%H%M%S%fZ}-{measured}.json"
    run = {
        "commit": measured,
        "date": now.isoformat(timespec="seconds"),
        "facts": list(facts),
        "rows": [_plain(row) for row in rows if not row.skipped],
    }
    path.write_text(json.dumps(run, indent=1) + "\n")
    return path


def _plain(row: Row) -> dict[str, object]:
    return {
        "what": row.what,
        "against": row.against,
        "unit": row.unit,
        "goal": str(row.goal) if row.goal else "",
        "verdict": row.verdict,
        "ours": list(row.ours),
        "theirs": list(row.theirs),
    }


def load(name: str, folder: Path = HISTORY) -> Run:
    """Return a run by the path of its file, or the newest one of a revision or its beginning.

    Raises:
        LookupError: There is no such run.
    """
    path = Path(name)
    if not path.is_file():
        path = _newest(_resolved(name), folder)
    run: Run = json.loads(path.read_text())
    return run


def _resolved(revision: str) -> str:
    """Return the commit of a branch, a tag or ``HEAD~1``; what git does not know stays as it is."""
    command = ["git", "rev-parse", "--verify", "--quiet", "--short=12", f"{revision}^{{commit}}"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip() or revision


def _newest(revision: str, folder: Path) -> Path:
    pattern = re.compile(rf"\d+T\d+Z-{re.escape(revision)}[^/]*\.json")
    found = sorted(path for path in folder.glob("*.json") if pattern.fullmatch(path.name))
    if not found:
        raise LookupError(f"no run of {revision} is kept in {folder}")
    return found[-1]


def compare(before: Run, after: Run) -> Iterator[str]:
    """Yield a table of what both runs measured: how the value of each line changed."""
    yield f"A: {before['commit']} of {before['date']}"
    yield f"B: {after['commit']} of {after['date']}"
    yield ""
    yield "| what | compared with | A | B | B / A | spread of A | spread of B | verdict |"
    yield "|---|---|---|---|---|---|---|---|"
    earlier = {_key(row): row for row in before["rows"]}
    for row in after["rows"]:
        other = earlier.pop(_key(row), None)
        if other is not None:
            yield _line(other, row)
    for what, against in earlier:
        yield f"| {what} | {against} | only in A | | | | | |"


def _key(row: Run) -> tuple[str, str]:
    return row["what"], row["against"]


def _line(before: Run, after: Run) -> str:
    values = [_judged(row) for row in (before, after)]
    medians = [median(each) for each in values]
    spreads = [f"{figure(min(each))} to {figure(max(each))}" for each in values]
    # Within the spread of the other run it may be chance.
    apart = min(values[0]) > max(values[1]) or min(values[1]) > max(values[0])
    change = f"{figure(medians[1] / medians[0])}{'' if apart else ' (spreads overlap)'}"
    figures = [figure(value) for value in medians]
    verdict = f"{before['verdict']} → {after['verdict']}"
    return f"| {' | '.join([*_key(after), *figures, change, *spreads, verdict])} |"


def _judged(row: Run) -> list[float]:
    """Return the ratios pair by pair, or the figures of a line that stands alone."""
    if not row["theirs"]:
        return list(row["ours"])
    return [own / other for own, other in zip(row["ours"], row["theirs"], strict=True)]
