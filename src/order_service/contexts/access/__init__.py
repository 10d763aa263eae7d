"""Access: the keys of programs, what they admit to, and the check of a key on a request."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from order_service.config import Config
from order_service.context import Context

if TYPE_CHECKING:
    import psycopg

    from order_service.context.process import Process
    from order_service.http.api_part import ApiPart
    from order_service.infra.diagnosis.finding import Finding


def _open_api(process: "Process") -> "ApiPart":
    from .wiring import open_api

    return open_api(process)


def _commands() -> Sequence[click.Command]:
    from .cli import keys

    return [keys]


def _checks(config: Config, connection: "psycopg.Connection[Any]") -> "Iterable[Finding]":
    from .checks import look_at_keys

    return look_at_keys(config, connection)


CONTEXT = Context(
    name="access",
    open_api=_open_api,
    api_needs=("postgres",),
    commands=_commands,
    rights={"access.api_keys": ("SELECT",)},
    checks=_checks,
)
