"""`order-service doctor`: how everything is that the service needs, in words."""

import contextlib
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from order_service.context import Contexts
from order_service.context.commands import Command, pass_contexts
from order_service.context.exit_codes import ExitCode

if TYPE_CHECKING:
    from order_service.infra.diagnosis.finding import Finding

    Findings = Mapping[str, Sequence[Finding]]

_COLOURS = {"ok": "green", "hint": "cyan", "warning": "yellow", "fault": "red"}
_INDENT = " " * 25


@click.command(
    cls=Command,
    examples=[
        ("doctor", "ask each backend how it is"),
        ("doctor --json", "one JSON object, for programs"),
        ("doctor --stack", "of the stack that `run` started here"),
        ("doctor --timeout 3", "wait less for what hangs"),
    ],
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.option(
    "--stack/--no-stack",
    default=None,
    help="Take addresses from the stack that `run` started [default: if none is configured].",
)
@click.option(
    "--data-dir",
    envvar="ORDER_SERVICE_DATA_DIR",
    default=".order-service",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where that stack keeps its data.",
)
@click.option(
    "--timeout",
    default=10.0,
    show_default=True,
    type=click.FloatRange(1, 300),
    help="Seconds that each part has to answer.",
)
@pass_contexts
def doctor(
    contexts: Contexts, *, as_json: bool, stack: bool | None, data_dir: Path, timeout: float
) -> None:
    """Test every backend and say what is wrong.

    Logs in to Postgres, Redis and Kafka with the configured credentials, and looks at rights,
    migrations, topics, lag, memory, clocks, ports and disk. All parts are looked at at the same
    time. Each fault comes with what to do about it. Exit code 1 if there is one; warnings and
    hints are none.
    """
    from order_service.bootstrap.doctor import diagnose, find_source, healthy, needs_of  # noqa: PLC0415

    try:
        source = find_source(contexts, data_dir, stack=stack)
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error
    with _silent_library():
        needs = needs_of(contexts, source.config)
        found = diagnose(source.config, needs, data_dir, timeout)
    if as_json:
        click.echo(json.dumps(_as_json(found, source.stack, ok=healthy(found)), indent=2))
    else:
        if source.stack:
            click.echo(f"Addresses are those of the running stack ({source.stack}).", err=True)
        click.echo("\n".join(_told(found)))
    sys.exit(ExitCode.DONE if healthy(found) else ExitCode.FAILED)


@contextlib.contextmanager
def _silent_library() -> Iterator[None]:
    """Keep the Kafka library from logging what is about to be told in words."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _as_json(found: "Findings", stack: Path | None, *, ok: bool) -> dict[str, object]:
    parts = {name: [each._asdict() for each in findings] for name, findings in found.items()}
    return {"ok": ok, "stack": str(stack) if stack else None, "parts": parts}


def _told(found: "Findings") -> Iterator[str]:
    for name, findings in found.items():
        yield click.style(name[0].upper() + name[1:], bold=True)
        for each in findings:
            level = click.style(f"{each.level.value:8}", fg=_COLOURS[each.level.value])
            yield f"  {level} {each.subject:13} {each.text}"
            if each.remedy:
                yield f"{_INDENT}-> {each.remedy}"
    yield _summary(found)


def _summary(found: "Findings") -> str:
    count = Counter(each.level.value for findings in found.values() for each in findings)
    counted = [
        f"{count[level]} {level}{'' if count[level] == 1 else 's'}"
        for level in ("fault", "warning")
        if count[level]
    ]
    return ", ".join(counted) or "All is well."
