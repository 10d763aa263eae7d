"""A database whose connection breaks just behind a commit."""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from order_service.infra.postgres.database import Database, Transaction
from order_service.infra.postgres.faults import UnavailableError
from order_service.infra.postgres.sql import Query, Row

T = TypeVar("T")


class LossyDatabase:
    """Passes all on; once `loses` is set, the next write takes effect and its answer is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.loses = False

    def as_database(self) -> Database:
        return cast("Database", self)

    def read(self, query: Query, parameters: Mapping[str, object]) -> list[Row]:
        return self._database.read(query, parameters)

    def write(self, query: Query, parameters: Mapping[str, object]) -> list[Row]:
        return self._answered(self._database.write(query, parameters))

    def run(self, name: str, work: Callable[[Transaction], T]) -> T:
        return self._answered(self._database.run(name, work))

    def _answered(self, answer: T) -> T:
        if self.loses:
            self.loses = False
            raise UnavailableError("the connection was lost", outcome_unknown=True)
        return answer
