"""Posts transfers and reads what they left, by statements of the caller's transaction."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg import errors

from order_service.infra.postgres.sql import Row

from .errors import (
    AlreadyReversedError,
    DuplicateTransferError,
    InsufficientError,
    LimitError,
    UnknownTransferError,
)
from .model import MAX_TOTAL, Balance, Entry, Leg, Transfer
from .statements import Run, statements

Account = tuple[UUID, str]
Balances = Mapping[Account, Balance]

REVERSAL = "reversal"
"""Kind of a transfer that takes another one back."""

_NEWEST = 2**63 - 1


class PostgresLedger:
    """The ledger of one schema. It holds no connection and may be shared by threads.

    Every method takes `run`, which runs a statement: `execute` of the transaction that the
    method shall be part of, or `read` of a database for what only reads. They raise what that
    raises.

    Args:
        schema: Where its tables are, see `statements.ddl`.
    """

    def __init__(self, schema: str) -> None:
        self._queries = statements(schema)

    def post(self, run: Run, transfer: Transfer) -> Balances:
        """Post a transfer and return the balances of all accounts that it touched.

        Accounts are opened by their first transfer. Their rows are locked in sorted order and
        stay so until the transaction ends: post as late in it as you can.

        Raises:
            InsufficientError: An account other than outside would fall below zero; nothing
                is changed and the transaction can go on.
            LimitError: An account would exceed 64 bits; as above.
            DuplicateTransferError: Its id is posted already; the transaction is spoilt.
        """
        return self.post_all(run, [transfer])

    def post_all(self, run: Run, transfers: Sequence[Transfer]) -> Balances:
        """Post several transfers at once, at the price of little more than one; see `post`.

        They are judged by what they leave behind together, and all are posted or none.
        """
        legs = [
            _Numbered(transfer, number, leg)
            for transfer in transfers
            for number, leg in enumerate(transfer.legs, start=1)
        ]
        try:
            return self._post(run, legs)
        except errors.UniqueViolation as error:
            raise DuplicateTransferError(error.diag.message_detail) from error

    def is_posted(self, run: Run, owner: UUID, transfer: UUID) -> bool:
        """Return whether a transfer has touched accounts of an owner.

        Ask it where a duplicate is to be expected: `post` spoils the transaction with one.
        """
        values = {"owner": owner, "transfer": transfer}
        return bool(run(self._queries["is_posted"], values))

    def reverse(self, run: Run, original: UUID, owners: Sequence[UUID], reversal: UUID) -> Balances:
        """Take a transfer back by one with the opposite legs and return the balances.

        Args:
            run: See the class.
            original: Id of the transfer.
            owners: All whose accounts it touched.
            reversal: Id of the new transfer.

        Raises:
            UnknownTransferError: These owners have no such transfer.
            AlreadyReversedError: It was taken back before; where that happened at the same time,
                the transaction is spoilt.
            InsufficientError: What it gave is no longer there; nothing is changed.
        """
        rows = run(self._queries["legs_of"], {"owners": list(owners), "transfer": original})
        if not rows:
            raise UnknownTransferError(str(original))
        if any(row[-1] for row in rows):
            raise AlreadyReversedError(str(original))
        transfer = Transfer(reversal, REVERSAL, (), rows[0][-2])
        legs = [_Numbered(transfer, number, _opposite(leg)) for number, *leg, _, _ in rows]
        try:
            return self._post(run, legs, original)
        except errors.UniqueViolation as error:
            raise AlreadyReversedError(str(original)) from error

    def balances(self, run: Run, owner: UUID) -> Mapping[str, Balance]:
        """Return the balances of an owner's accounts by name; one row each is read."""
        rows = run(self._queries["balances_of"], {"owner": owner})
        return {account: Balance(credited, debited) for account, credited, debited in rows}

    def entries(
        self, run: Run, owner: UUID, *, limit: int, before: int = _NEWEST
    ) -> Sequence[Entry]:
        """Return the newest entries of an owner, those with an id below `before`."""
        values = {"owner": owner, "limit": limit, "before": before}
        return [Entry(*row) for row in run(self._queries["entries_of"], values)]

    def _post(
        self, run: Run, legs: Sequence["_Numbered"], reverses: UUID | None = None
    ) -> Balances:
        values = _parameters(legs, reverses)
        rows = run(self._queries["post_transfers"], values)
        if not rows[0][0]:
            self._open(run, legs)
            rows = run(self._queries["post_transfers"], values)
        return _judged(rows)

    def _open(self, run: Run, legs: Sequence["_Numbered"]) -> None:
        """Create the rows of accounts that have none: a row that is not there cannot be locked."""
        accounts = [(leg.owner, name) for *_, leg in legs for name in (leg.source, leg.target)]
        owners, names = map(list, zip(*accounts, strict=True))
        run(self._queries["open_accounts"], {"owners": owners, "accounts": names})


class _Numbered(NamedTuple):
    """A leg, its transfer, and its number there.

    The legs of a reversal have the numbers of those that they take back.
    """

    transfer: Transfer
    number: int
    leg: Leg


def _opposite(leg: Sequence[object]) -> Leg:
    owner, source, target, amount = leg
    return Leg(owner, target, source, amount)  # type: ignore[arg-type]  # columns of a row


def _parameters(legs: Sequence[_Numbered], reverses: UUID | None) -> Mapping[str, object]:
    if not legs or any(leg.amount <= 0 or leg.source == leg.target for *_, leg in legs):
        raise ValueError("a transfer has legs, each with an amount above zero and two accounts")
    return {
        "reverses": reverses,
        "max_total": MAX_TOTAL,
        "transfers": [transfer.id for transfer, *_ in legs],
        "kinds": [transfer.kind for transfer, *_ in legs],
        "references": [transfer.reference for transfer, *_ in legs],
        "numbers": [number for _, number, _ in legs],
        "owners": [leg.owner for *_, leg in legs],
        "sources": [leg.source for *_, leg in legs],
        "targets": [leg.target for *_, leg in legs],
        "amounts": [leg.amount for *_, leg in legs],
    }


def _judged(rows: Sequence[Row]) -> Balances:
    complete, covered, bounded, *_ = rows[0]
    if not complete:
        raise psycopg.IntegrityError("accounts vanished while a transfer was posted")
    if not covered:
        raise InsufficientError("not enough on the account")
    if not bounded:
        raise LimitError("more than an account can hold")
    return {(owner, account): Balance(*sums) for _, _, _, owner, account, *sums in rows}
