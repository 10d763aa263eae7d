"""The command line explains itself, and what it says of itself is true."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from order_service.bootstrap.contexts import installed
from order_service.cli import main
from order_service.context.commands import PROGRAM, Command
from order_service.context.exit_codes import ExitCode
from order_service.infra.kafka import watchdog

ROOT = Path(__file__).parents[2]


def commands_of(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command and group below `command`, by the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        for name, part in command.commands.items():
            yield from commands_of(part, f"{path} {name}".strip())


COMMANDS = dict(commands_of(main))
EXAMPLES = [
    line
    for command in COMMANDS.values()
    if isinstance(command, Command)
    for line, _ in command.examples
]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_a_summary_a_paragraph_and_examples(path: str) -> None:
    command = COMMANDS[path]
    summary, _, paragraph = (command.help or "").partition("\n\n")
    assert summary.endswith(".")
    assert "\n" not in summary
    assert paragraph
    assert isinstance(command, Command)
    assert command.examples


@pytest.mark.parametrize("path", COMMANDS)
def test_a_summary_fits_into_the_list_of_commands(path: str) -> None:
    assert not COMMANDS[path].get_short_help_str(66).endswith("...")


@pytest.mark.parametrize("path", COMMANDS)
def test_examples_are_shown_one_a_line(path: str) -> None:
    shown = CliRunner().invoke(main, [*path.split(), "--help"], terminal_width=100).stdout
    assert "\\b" not in shown
    command = COMMANDS[path]
    assert isinstance(command, Command)
    lines = [line.strip() for line in shown.partition("Examples:")[2].splitlines()]
    for line, _ in command.examples:
        assert any(each.startswith(f"{PROGRAM} {line}") for each in lines), line


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_is_understood_by_its_command(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("repaired.json", "order-service.yml"):
        Path(name).write_text("{}", encoding="utf-8")
    words = shlex.split(line.split(" > ", maxsplit=1)[0].replace("/etc/", ""))
    parse(main, words)


def parse(command: click.Command, words: list[str], above: click.Context | None = None) -> None:
    """Parse a command line to its end without running anything."""
    with command.make_context(command.name, list(words), parent=above, obj=installed()) as ctx:
        if isinstance(command, click.Group):
            rest = command.make_parser(ctx).parse_args(list(words))[1]
            name, found, rest = command.resolve_command(ctx, rest)
            assert found is not None, name
            parse(found, rest, ctx)


def test_options_and_arguments_are_explained() -> None:
    for path, command in COMMANDS.items():
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, f"{path} {option.name}"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_asks_the_program(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"_ORDER_SERVICE_COMPLETE={shell}_complete" in result.stdout
    assert PROGRAM in result.stdout


def test_the_program_completes_commands_and_options() -> None:
    for typed, position, expected in (
        ("order-service mig", "1", "migrate"),
        ("order-service dead-letters list --si", "3", "--since"),
        ("order-service completion f", "2", "fish"),
    ):
        environ = {
            "_ORDER_SERVICE_COMPLETE": "bash_complete",
            "COMP_WORDS": typed,
            "COMP_CWORD": position,
        }
        result = CliRunner().invoke(main, [], env=environ, prog_name=PROGRAM)
        assert f"plain,{expected}" in result.stdout


def test_the_watchdog_ends_the_process_with_the_code_for_that() -> None:
    assert ExitCode.STUCK.value == watchdog.EXIT_CODE


def test_the_documented_exit_codes_are_those_of_the_code() -> None:
    text = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip(" `") for line in text.splitlines() if line.startswith("| `")]
    assert [int(row) for row in rows if row.isdigit()] == [code.value for code in ExitCode]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], ExitCode.DONE),
        (["config", "check"], ExitCode.DONE),
        (["no-such-command"], ExitCode.USAGE),
        (["api", "--no-such-option"], ExitCode.USAGE),
        (["api"], ExitCode.USAGE),
        (["dead-letters", "list"], ExitCode.USAGE),
    ],
)
def test_commands_end_with_the_documented_codes(
    words: list[str], code: ExitCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, words).exit_code == code
