"""A configuration as it may be shown."""

from collections.abc import Iterator
from typing import Any

from msgspec import to_builtins

from .model import Config
from .schema import settings_of


def redacted(config: Config) -> dict[str, Any]:
    """Return the settings as nested plain values, fit for JSON, with every secret masked."""
    plain: dict[str, Any] = to_builtins(settings_of(config), enc_hook=str)  # a Secret is masked
    return plain


def flat(config: Config) -> dict[str, object]:
    """Return the settings by their dotted paths, with every secret masked."""
    return dict(_leaves("", redacted(config)))


def _leaves(above: str, tree: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(f"{above}{name}.", value)
        else:
            yield above + name, value
