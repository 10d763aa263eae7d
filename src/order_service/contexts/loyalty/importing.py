"""Use case: take numbers of orders from a file, as after a move from another system."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from order_service.infra.luhn import is_luhn_number

from .ports import NumberStore

BATCH = 1000
"""Numbers of one transaction."""


class Refused(NamedTuple):
    """A line that was not taken, by its number in the file from 1, and why."""

    line: int
    reason: str


class Imported(NamedTuple):
    """What became of a batch of lines.

    Attributes:
        size: Characters of the lines.
        new: Numbers that were taken.
        known: Numbers that their owner had before.
        refused: The other lines.
    """

    size: int
    new: int
    known: int
    refused: Sequence[Refused]


class _Line(NamedTuple):
    number: int
    owner: UUID
    order: str


def import_numbers(store: NumberStore, lines: Iterable[str]) -> Iterator[Imported]:
    """Take numbers and yield what became of them, batch by batch; running it again is harmless.

    Args:
        store: Keeps the numbers.
        lines: ``owner,number``: the id of a person, and the number of an order. Blank ones and
            those that begin with ``#`` say nothing.

    Raises:
        StorageUnavailableError: What was yielded is taken, of the rest some may be.
    """
    numbered = enumerate(lines, start=1)
    while batch := list(islice(numbered, BATCH)):
        yield _imported(store, batch)


def _imported(store: NumberStore, batch: Sequence[tuple[int, str]]) -> Imported:
    read = [_read(number, text.strip()) for number, text in batch if _says(text)]
    valid = [each for each in read if isinstance(each, _Line)]
    refused = [each for each in read if isinstance(each, Refused)]
    holders = store.add_all([(line.owner, line.order) for line in valid]) if valid else []
    found = list(zip(valid, holders, strict=True))
    refused += [
        Refused(line.number, "somebody else has this number")
        for line, holder in found
        if holder not in {None, line.owner}
    ]
    return Imported(
        sum(len(text) for _, text in batch),
        sum(holder is None for holder in holders),
        sum(holder == line.owner for line, holder in found),
        sorted(refused),
    )


def _says(text: str) -> bool:
    return bool(text.strip()) and not text.startswith("#")


def _read(number: int, text: str) -> _Line | Refused:
    owner, comma, order = text.partition(",")
    if not comma:
        return Refused(number, "is not owner,number")
    try:
        person = UUID(owner.strip())
    except ValueError:
        return Refused(number, "the owner is no UUID")
    if not is_luhn_number(order.strip()):
        return Refused(number, "this is no number of an order")
    return _Line(number, person, order.strip())
