"""`order-service config`: what the settings are, and what is wrong with them."""

import json
import sys
from collections.abc import Iterator

import click

from order_service.config import (
    Config,
    Examination,
    Explanation,
    explain,
    flat,
    hints,
    redacted,
)
from order_service.context import Contexts
from order_service.context.commands import Group, pass_contexts
from order_service.context.exit_codes import ExitCode


@click.group(
    cls=Group,
    examples=[
        ("config check", "print all settings, or every fault"),
        ("config template > config.yml", "begin with a file that names every key"),
    ],
)
def config() -> None:
    """Look at the configuration.

    It comes from config.yml (or --config, or ORDER_SERVICE_CONFIG), from .env, and from the
    environment; the later wins. The variable of http.port is HTTP_PORT.
    """


@config.command(
    examples=[
        ("config check", "for people"),
        ("config check --json", "for programs: one JSON object"),
        ("--config /etc/order-service.yml config check", "before a deploy of that file"),
    ]
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@pass_contexts
def check(contexts: Contexts, *, as_json: bool) -> None:
    """Print all settings, or explain all faults.

    Each setting with the place that it comes from. Secrets are masked. Nothing is connected
    to: `order-service doctor` does that. Exit code 2 if there are faults.
    """
    found = contexts.examine_config()
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        _print(found)
    sys.exit(ExitCode.USAGE if found.faults else ExitCode.DONE)


@config.command(examples=[("config template > config.yml", "a file to begin with")])
def template() -> None:
    """Print a config.yml with every key.

    Each key with its default, and what it is for. The file is the one that this version was
    made with.
    """
    from order_service.infra.resources import bundled  # noqa: PLC0415

    click.echo(bundled("config.yml").read_text(encoding="utf-8"), nl=False)


def _as_json(found: Examination) -> dict[str, object]:
    return {
        "ok": not found.faults,
        "file": str(found.file) if found.file else None,
        "settings": redacted(found.config) if found.config else None,
        "origins": {path: text.removeprefix("from ") for path, text in found.origins.items()},
        "faults": [explain(fault, found.schema)._asdict() for fault in found.faults],
        "warnings": list(found.warnings),
        "hints": list(hints(found.config)) if found.config else [],
    }


def _print(found: Examination) -> None:
    if found.config:
        for line in _settings(found.config, found):
            click.echo(line)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    for hint in hints(found.config) if found.config else ():
        click.echo(f"hint: {hint}", err=True)
    for fault in found.faults:
        click.echo("\n".join(_told(explain(fault, found.schema))) + "\n", err=True)
    if found.faults:
        count = len(found.faults)
        click.echo(f"{count} fault{'' if count == 1 else 's'} in the configuration", err=True)


def _settings(config: Config, found: Examination) -> Iterator[str]:
    rows = [
        (path, json.dumps(value, ensure_ascii=False), found.origins.get(path, "from default"))
        for path, value in flat(config).items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for path, value, origin in rows:
        yield f"{path:{widths[0]}}  {value:{widths[1]}}  {origin.removeprefix('from ')}"


def _told(fault: Explanation) -> Iterator[str]:
    yield f"{fault.path}: {fault.problem}"
    facts = {
        "value from": fault.origin,
        "allowed": fault.allowed,
        "default": fault.default,
        "about": fault.about,
        "set it": fault.remedy,
    }
    for name, text in facts.items():
        if text:
            yield from click.wrap_text(
                f"{name + ':':12}{text}", 96, initial_indent="  ", subsequent_indent=" " * 14
            ).splitlines()
