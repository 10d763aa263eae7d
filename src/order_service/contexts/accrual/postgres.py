"""Rules and orders in Postgres, in a schema of their own."""

from collections.abc import Sequence
from functools import partial

from psycopg.types.json import Jsonb

from order_service.context.storage import unavailable_as
from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.sql import load_queries

from .errors import OrderExistsError, RuleExistsError, StorageUnavailableError
from .model import Good, Order, Outcome, RewardType, Rule, Status
from .ports import Claim

_QUERIES = load_queries(__package__, "queries.sql")

_available = partial(unavailable_as, StorageUnavailableError)


class PostgresAccruals:
    """Implements :class:`ports.AccrualStore`.

    Args:
        database: An open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self) -> None:
        """Raise StorageUnavailableError unless the orders can be read."""
        self.find("")

    def add_rule(self, rule: Rule) -> None:
        """See :meth:`ports.AccrualStore.add_rule`."""
        with _available():
            values = {"folded": rule.folded, **rule._asdict()}
            if not self._database.write(_QUERIES["add_rule"], values):
                raise RuleExistsError(rule.match)

    def add_order(self, order: Order) -> None:
        """See :meth:`ports.AccrualStore.add_order`."""
        goods = Jsonb([list(good) for good in order.goods])
        with _available():
            values = {"number": order.number, "goods": goods}
            if not self._database.write(_QUERIES["add_order"], values):
                raise OrderExistsError(order.number)

    def find(self, number: str) -> Outcome | None:
        """See :meth:`ports.AccrualStore.find`."""
        with _available():
            rows = self._database.read(_QUERIES["find_order"], {"number": number})
        return Outcome(number, Status(rows[0][0]), rows[0][1]) if rows else None

    def claim(self, limit: int, lease: float) -> Claim:
        """See :meth:`ports.AccrualStore.claim`."""

        def work(transaction: Transaction) -> Claim:
            rows = transaction.execute(_QUERIES["claim_orders"], {"limit": limit, "lease": lease})
            orders = [Order(number, [Good(*good) for good in goods]) for number, goods in rows]
            # Read after the orders, so that a rule counts that was there before they were.
            rules = transaction.execute(_QUERIES["all_rules"]) if rows else []
            return Claim(orders, [Rule(m, reward, RewardType(kind)) for m, reward, kind in rules])

        with _available():
            return self._database.run("accrual_claim", work)

    def finish(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """See :meth:`ports.AccrualStore.finish`."""
        columns = {
            "numbers": [outcome.number for outcome in outcomes],
            "statuses": [outcome.status for outcome in outcomes],
            "accruals": [outcome.accrual for outcome in outcomes],
        }
        with _available():
            rows = self._database.write(_QUERIES["finish_orders"], columns)
        return [Outcome(number, Status(status), accrual) for number, status, accrual in rows]
