"""`order-service dead-letters`: look at messages that could not be handled, and replay them.

Exit code 1 means that Kafka is away, or that the command was interrupted: run it again.
"""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from order_service.context.commands import Group
from order_service.context.exit_codes import ExitCode

from .letter_options import IdType, filters, track, with_dead_letters

if TYPE_CHECKING:
    from order_service.bootstrap.dead_letters import DeadLetterAccess
    from order_service.messaging.dead_letters.record import Letter, LetterId
    from order_service.messaging.dead_letters.replay import Repair, Step
    from order_service.messaging.dead_letters.search import Wanted


@click.group(
    "dead-letters",
    cls=Group,
    context_settings={"show_default": True},
    examples=[
        ("dead-letters list --since 2h", "what was rejected lately, and why"),
        ("dead-letters show 0-364", "all that is wrong with one"),
        ("dead-letters replay --reason invalid_order --dry-run", "what a replay would do"),
    ],
)
def dead_letters() -> None:
    """Work on the messages that could not be handled.

    They lie in a dead-letter topic, unchanged, with the reasons in their headers. The ID of a
    letter is its partition and offset there. Looking commits nothing.
    """


@dead_letters.command(
    "list",
    examples=[
        ("dead-letters list", "the newest 100, oldest first"),
        ("dead-letters list --reason invalid_order --since 2h", "those of the last two hours"),
        ("dead-letters list --key b563feb7b2b84b6test", "those of one order"),
        ("dead-letters list --json --limit 1000", "one JSON object a line, for programs"),
    ],
)
@filters
@click.option("--limit", default=100, type=click.IntRange(1, 100_000), help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_dead_letters
def list_(*, letters: "DeadLetterAccess", wanted: "Wanted", limit: int, as_json: bool) -> None:
    """List dead letters, oldest first.

    Shows when, from where, and why; of what is in them nothing but their keys.
    """
    from . import letter_text  # noqa: PLC0415 - slow

    found = letters.log.newest(wanted, limit, track("Reading"))
    text = letter_text.as_json if as_json else letter_text.as_line
    for letter in found.letters:
        click.echo(text(letter, replayed=letter.id in found.replayed))
    click.echo(letter_text.total(found), err=True)


@dead_letters.command(
    examples=[
        ("dead-letters show 0-364", "all faults; personal data masked"),
        ("dead-letters show 0-364 --json", "the same as one JSON object"),
        ("dead-letters show 0-364 --raw > letter.json", "the original bytes, to repair them"),
    ]
)
@click.argument("letter_id", metavar="ID", type=IdType())
@click.option("--raw", is_flag=True, help="Write the original bytes, personal data and all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, personal data masked.")
@with_dead_letters
def show(*, letters: "DeadLetterAccess", letter_id: "LetterId", raw: bool, as_json: bool) -> None:
    """Show one dead letter.

    Why it was rejected, where it came from, and its structure, personal data masked. Exit
    code 3 if there is no such letter.
    """
    if raw and as_json:
        raise click.UsageError("--raw and --json exclude each other")
    letter = next(letters.log.get([letter_id]), None)
    if letter is None:
        click.echo(f"there is no dead letter {letter_id}", err=True)
        sys.exit(ExitCode.IN_PART)
    if raw:
        _write_raw(letter)
        return
    from . import letter_text  # noqa: PLC0415 - slow

    if as_json:
        click.echo(letter_text.described_as_json(letter, letters.topic.masked))
        return
    for line in letter_text.described(letter, letters.topic.masked):
        click.echo(line)


def _write_raw(letter: "Letter") -> None:
    if letter.omitted:
        click.echo("the letter could not hold its body; see the source in `show`", err=True)
        sys.exit(ExitCode.IN_PART)
    sys.stdout.buffer.write(letter.body or b"")


@dead_letters.command(
    examples=[
        ("dead-letters replay --reason invalid_order --since 2h --dry-run", "only says what"),
        ("dead-letters replay --reason invalid_order --since 2h", "asks first on a terminal"),
        ("dead-letters replay 0-364 --file repaired.json", "a repaired message for one letter"),
    ]
)
@click.argument("ids", metavar="[ID]...", nargs=-1, type=IdType())
@filters
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--file", type=click.File("rb"), help="Repaired message for the one ID; - is stdin.")
@click.option("--again", is_flag=True, help="Also what has been replayed already.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_dead_letters
def replay(  # noqa: PLR0913 - one argument an option
    *,
    letters: "DeadLetterAccess",
    ids: tuple["LetterId", ...],
    wanted: "Wanted",
    everything: bool,
    dry_run: bool,
    file: Any,  # noqa: ANN401 - an open file
    again: bool,
    yes: bool,
) -> None:
    """Send dead letters to their topic again.

    Name them by ID, or by the same options as for `list`. A replay counts as the newest message
    on its subject. The letters stay where they are; what was replayed is skipped the next time.
    Exit code 3 if some were not replayed.
    """
    _check_selection(ids, wanted, everything=everything, repairs=file is not None)
    repair = _repair(letters, ids[0], file.read()) if file else None
    chosen = letters.log.get(ids) if ids else letters.log.find(wanted)
    done = set() if again else letters.log.replayed(ids or None, track("Looking for replays"))
    todo, in_part = _plan((letters.replay.step(letter, done, repair) for letter in chosen), ids)
    if todo and not dry_run:
        if not yes and sys.stdin.isatty():
            click.confirm(f"Replay {len(todo)}?", abort=True, err=True)
        in_part |= _send(letters, todo, repair)
    sys.exit(ExitCode.IN_PART if in_part else ExitCode.DONE)


def _check_selection(
    ids: tuple["LetterId", ...], wanted: "Wanted", *, everything: bool, repairs: bool
) -> None:
    filtered = any(part not in (None, frozenset()) for part in wanted)
    if (bool(ids), filtered, everything).count(True) != 1:
        raise click.UsageError("name letters by ID, or by options such as --reason, or --all")
    if repairs and len(ids) != 1:
        raise click.UsageError("--file repairs exactly one letter: name its ID")


def _repair(letters: "DeadLetterAccess", id_: "LetterId", body: bytes) -> "Repair | None":
    """Return what is sent instead of a letter's message, None if there is no such letter."""
    from order_service.messaging.dead_letters.masking import printable  # noqa: PLC0415 - slow
    from order_service.messaging.dead_letters.record import fault_lines  # noqa: PLC0415
    from order_service.messaging.errors import InvalidMessageError  # noqa: PLC0415

    try:
        letter = next(letters.log.get([id_]), None)
        return letters.replay.repair(letter, body) if letter else None
    except InvalidMessageError as error:
        faults = "\n".join(f"  {printable(line)}" for line in fault_lines(error.faults))
        raise click.ClickException(
            f"the repaired message is no valid {letters.topic.noun} ({error.reason}):\n{faults}"
        ) from error


def _plan(steps: Iterator["Step"], ids: tuple["LetterId", ...]) -> tuple[list["LetterId"], bool]:
    """Print what will be done; return the letters to send and whether some will not be."""
    from order_service.messaging.dead_letters.replay import Action  # noqa: PLC0415 - slow

    todo, missing, invalid = [], set(ids), 0
    for step in steps:
        click.echo(f"{step.id!s:>8}  {step.action}: {step.detail}")
        missing.discard(step.id)
        if step.action is Action.REPLAY:
            todo.append(step.id)
        invalid += step.action in {Action.INVALID, Action.OMITTED}
    for absent in sorted(missing):
        click.echo(f"{absent!s:>8}  there is no such dead letter")
    click.echo(f"{len(todo)} to replay, {invalid + len(missing)} cannot be", err=True)
    return todo, bool(invalid or missing)


def _send(letters: "DeadLetterAccess", todo: list["LetterId"], repair: "Repair | None") -> bool:
    """Replay `todo`; return whether some were refused."""
    from order_service.messaging.dead_letters.replay import Action  # noqa: PLC0415 - slow

    sent = refused = 0
    for step in track("Replaying")(letters.replay.send(letters.log.get(todo), repair), len(todo)):
        if step.action is Action.REPLAY:
            sent += 1
        else:
            refused += 1
            click.echo(f"{step.id!s:>8}  {step.action}: {step.detail}")
    click.echo(f"{sent} replayed, {len(todo) - sent} not", err=True)
    return sent < len(todo)
