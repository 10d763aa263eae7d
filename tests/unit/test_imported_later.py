"""What the definitions of the contexts name is there when it is needed."""

from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from pkgutil import resolve_name
from typing import Any

import pytest

from order_service.bootstrap.contexts import installed
from order_service.context import Context
from order_service.context.later import imported_later, module_of


def _named(context: Context) -> Iterator[str]:
    parts: list[Any] = [getattr(context, field.name) for field in fields(context)]
    parts += [worker.open for worker in context.workers] + list(context.claims.values())
    for part in parts:
        if isinstance(part, partial):
            yield from part.args


@pytest.mark.parametrize("context", installed().installed, ids=lambda context: context.name)
def test_each_name_leads_to_a_function(context: Context) -> None:
    names = list(_named(context))
    assert names
    for name in names:
        assert callable(resolve_name(name)), name


def test_nothing_is_imported_before_the_call() -> None:
    later = imported_later("order_service.nowhere:nothing")
    with pytest.raises(ModuleNotFoundError):
        later()
    assert imported_later("math:gcd")(12, 18) == 6


def test_the_module_behind_a_name_is_known_before_it_is_imported() -> None:
    assert module_of(imported_later("order_service.nowhere:nothing")) == "order_service.nowhere"
    assert module_of(partial(int, "7")) == module_of(len) == ""


@pytest.mark.parametrize("context", installed().installed, ids=lambda context: context.name)
def test_the_module_of_each_worker_is_known(context: Context) -> None:
    assert all(module_of(worker.open) for worker in context.workers)
