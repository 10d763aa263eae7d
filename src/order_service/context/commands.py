"""Commands whose help ends with examples, one a line.

Every command and group of the service is made of these classes. A test parses each example
with the commands themselves, so that none can name an option that does not exist.
"""

import contextlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import click

from .contract import Contexts

Example = tuple[str, str]
"""A command line without `order-service`, and what it does, in a few words."""

PROGRAM = "order-service"
_COLUMN = 46
_WIDTH = 100


class Command(click.Command):
    """A command with examples.

    Args:
        examples: What its help ends with.
    """

    def __init__(
        self,
        name: str | None,
        *,
        examples: Sequence[Example] = (),
        context_settings: MutableMapping[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - as click has it
    ) -> None:
        settings = {"max_content_width": _WIDTH, **(context_settings or {})}
        super().__init__(name, context_settings=settings, **options)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then the epilog."""
        if self.examples:
            rows = [(f"{PROGRAM} {line}", what) for line, what in self.examples]
            with formatter.section("Examples"):
                formatter.write_dl(rows, col_max=_COLUMN)
        super().format_epilog(ctx, formatter)


class Group(Command, click.Group):
    """A group with examples, whose commands and groups may have examples too."""

    command_class = Command
    group_class = type


pass_contexts = click.make_pass_decorator(Contexts)
"""Gives a command the contexts that are installed, as its first argument."""


@contextlib.contextmanager
def reporting(texts: Mapping[type[Exception], str]) -> Iterator[None]:
    """End a command that raises one of these errors with one line and exit code 1.

    Also decorates a command.

    Args:
        texts: What to say; ``{}`` is the error's own text, ``{0.args[0]}`` its first argument. The
            first class that fits counts.
    """
    try:
        yield
    except tuple(texts) as error:
        text = next(text for kind, text in texts.items() if isinstance(error, kind))
        raise click.ClickException(" ".join(text.format(error).split())) from error
