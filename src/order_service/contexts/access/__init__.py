"""Access: the keys of programs, what they admit to, and the check of a key on a request."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from order_service.config import Config
from order_service.context import Context

if TYPE_CHECKING:
    import psycopg

    from order_service.infra.diagnosis.finding import Finding


def _commands() -> Sequence[click.Command]:
    from .cli import keys

    return [keys]


def _checks(config: Config, connection: "psycopg.Connection[Any]") -> "Iterable[Finding]":
    from .checks import look_at_keys

    return look_at_keys(config, connection)


CONTEXT = Context(
    name="access",
    api=f"{__name__}.wiring",
    api_needs=("postgres",),
    commands=_commands,
    rights={"access.api_keys": ("SELECT",)},
    checks=_checks,
)
