"""The ledgers of all contexts that are on, recomputed."""

from collections.abc import Iterator
from typing import NamedTuple

from order_service.config import Config
from order_service.context import Contexts
from order_service.context.process import Process
from order_service.ledger.checking import Checked, check_balances


class Step(NamedTuple):
    """What was found in one step through the ledger of a context."""

    context: str
    checked: Checked


def check_ledgers(config: Config, contexts: Contexts) -> Iterator[Step]:
    """Yield what is wrong, some owners at a time.

    Raises:
        UnavailableError: The database cannot answer now.
    """
    with Process(config) as process:
        database = process.database(1)
        for context in contexts.enabled(config):
            if context.ledger:
                for checked in check_balances(database.write, context.name):
                    yield Step(context.name, checked)
