"""Recomputes every balance from the entries, some owners at a time.

Each step is one statement and so sees one moment: it may run beside the service.
"""

from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from .model import Balance, Difference
from .statements import Run, statements

_BEFORE_ALL = UUID(int=0)


class Checked(NamedTuple):
    """What one step found.

    Attributes:
        owners: How many owners it looked at.
        differences: Accounts whose balance is wrong.
    """

    owners: int
    differences: list[Difference]


def check_balances(run: Run, schema: str, step: int = 500) -> Iterator[Checked]:
    """Yield what is wrong, `step` owners at a time in the order of their ids.

    Args:
        run: Runs a statement; see `postings.PostgresLedger`.
        schema: Where the tables are.
        step: Owners of one step.
    """
    queries = statements(schema)
    after = _BEFORE_ALL
    while owners := run(queries["owners_after"], {"after": after, "limit": step}):
        until = owners[-1][0]
        rows = run(queries["differences"], {"after": after, "until": until})
        yield Checked(len(owners), [_difference(*row) for row in rows])
        after = until


def _difference(  # noqa: PLR0913, PLR0917 - the columns of a row
    owner: UUID,
    account: str,
    credited: int | None,
    debited: int | None,
    entries_credited: int,
    entries_debited: int,
) -> Difference:
    missing = credited is None or debited is None
    kept = None if missing else Balance(credited or 0, debited or 0)
    return Difference(owner, account, kept, Balance(entries_credited, entries_debited))
