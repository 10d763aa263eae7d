"""Every context that keeps a ledger has its tables, word for word, and the rights it needs."""

import pytest

from order_service.bootstrap.contexts import installed
from order_service.bootstrap.migrate import migrations_of
from order_service.context import Context
from order_service.ledger.statements import RIGHTS, ddl

KEEPERS = [context for context in installed().installed if context.ledger]


def test_there_are_contexts_that_keep_a_ledger() -> None:
    assert "loyalty" in [context.name for context in KEEPERS]


@pytest.mark.parametrize("context", KEEPERS, ids=lambda context: context.name)
def test_its_migrations_create_the_tables(context: Context) -> None:
    files = migrations_of(context.name).glob("*.sql")
    assert any(ddl(context.name) in file.read_text() for file in files)


@pytest.mark.parametrize("context", KEEPERS, ids=lambda context: context.name)
def test_the_service_has_the_rights_that_it_needs_and_no_other(context: Context) -> None:
    declared = {f"{context.name}.{table}": rights for table, rights in RIGHTS.items()}
    assert {table: tuple(context.rights[table]) for table in declared} == declared
