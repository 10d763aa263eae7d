"""`order-service greet`."""

import click

from order_service.context import Contexts
from order_service.context.commands import Command, pass_contexts

from .settings import TinySettings


@click.command(cls=Command, examples=[("greet", "says it")])
@pass_contexts
def greet(contexts: Contexts) -> None:
    """Say the greeting."""
    click.echo(contexts.load_config().of(TinySettings).greeting)
