"""The contexts that this program is made of: one line each, in the order of their migrations."""

from functools import cache
from importlib import import_module

from order_service.context import Context, Contexts

_NAMES = (
    "orders",
    "access",
    "accounts",
    "loyalty",
    "accrual",
    "payments",
    "checkout",
)


@cache
def installed() -> Contexts:
    """Return the contexts, each defined as `CONTEXT` in its folder."""
    modules = (import_module(f"order_service.contexts.{name}") for name in _NAMES)
    contexts: list[Context] = [module.CONTEXT for module in modules]
    return Contexts(contexts)
