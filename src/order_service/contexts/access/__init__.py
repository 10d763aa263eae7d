"""Access: the keys of programs, what they admit to, and the check of a key on a request."""

from collections.abc import Sequence

import click

from order_service.context import Context
from order_service.context.later import imported_later


def _commands() -> Sequence[click.Command]:
    from .cli import keys

    return [keys]


CONTEXT = Context(
    name="access",
    api=f"{__name__}.wiring",
    api_needs=("postgres",),
    commands=_commands,
    rights={"access.api_keys": ("SELECT",)},
    checks=imported_later(f"{__name__}.checks:look_at_keys"),
)
