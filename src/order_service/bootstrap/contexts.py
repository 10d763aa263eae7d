"""The contexts that this program is made of: one line each, in the order of their migrations."""

from functools import cache
from importlib import import_module

from order_service.config import Config
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


def api_modules(config: Config) -> list[str]:
    """Return the modules that take most of the start of a process that answers.

    They must not be loaded before it is known where the metrics of several processes meet: the
    metrics' library looks for that when it is loaded.
    """
    enabled = installed().enabled(config)
    return [f"{__package__}.api_process", *(each.api for each in enabled if each.api)]
