"""`order-service completion`: what makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

from order_service.context.commands import PROGRAM, Command

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_ORDER_SERVICE_COMPLETE"


@click.command(
    cls=Command,
    examples=[
        ("completion bash > ~/.order-service.bash", "then `source` it in ~/.bashrc"),
        ("completion zsh > ~/.order-service.zsh", "then `source` it in ~/.zshrc"),
        ("completion fish > ~/.config/fish/completions/order-service.fish", "fish finds it there"),
    ],
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script for shell completion.

    It completes commands and options in SHELL. Write it to a file and load that file when the
    shell starts. bash needs version 4.4.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    # Not `source()`, which starts a bash to look at its version: the script may be for another.
    script = kind(ctx.find_root().command, {}, PROGRAM, _VARIABLE)
    click.echo(kind.source_template % script.source_vars())
