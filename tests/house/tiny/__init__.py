"""Notes: a context that is nothing but a folder, for the tests of the house."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from order_service.context import Context, Scope, Work, Worker

from .settings import SECTION

if TYPE_CHECKING:
    from order_service.context.process import Process


def _open_writer(process: "Process") -> Work:
    from .wiring import open_writer

    return open_writer(process)


def _commands() -> Sequence[click.Command]:
    from .cli import greet

    return [greet]


CONTEXT = Context(
    name="tiny",
    section=SECTION,
    api=f"{__name__}.wiring",
    api_needs=("postgres",),
    scopes={"tiny:read": Scope("read notes")},
    workers=[
        Worker(
            name="tiny-writer",
            about="Write a note, then wait until SIGTERM.",
            needs=("postgres",),
            open=_open_writer,
        )
    ],
    commands=_commands,
    rights={"tiny.notes": ("SELECT", "INSERT")},
)
