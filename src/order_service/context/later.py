"""Parts of a context that are imported when they are first needed."""

from collections.abc import Callable
from functools import partial
from pkgutil import resolve_name
from typing import Any


def imported_later(name: str) -> Callable[..., Any]:
    """Return a function that calls another one, whose module is imported with the first call.

    Args:
        name: ``package.module:function``.
    """
    return partial(_call, name)


def _call(name: str, *args: Any) -> Any:  # noqa: ANN401 - those of the other function
    return resolve_name(name)(*args)


def module_of(call: Callable[..., Any]) -> str:
    """Return the module that `imported_later` was given, empty if it did not make this function."""
    if isinstance(call, partial) and call.func is _call:
        return str(call.args[0]).partition(":")[0]
    return ""
