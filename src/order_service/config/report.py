"""A configuration as it may be shown."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, structs

from .model import Config
from .schema import settings_of
from .secret import Secret


def redacted(config: Config) -> dict[str, Any]:
    """Return the settings as nested plain values, fit for JSON, with every secret masked."""
    return {name: _plain(settings) for name, settings in settings_of(config).items()}


def flat(config: Config) -> dict[str, object]:
    """Return the settings by their dotted paths, with every secret masked."""
    return dict(_leaves("", redacted(config)))


def _leaves(above: str, tree: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(f"{above}{name}.", value)
        else:
            yield above + name, value


def _plain(value: object) -> Any:  # noqa: ANN401  a leaf is of any plain type
    if isinstance(value, Struct):
        return {name: _plain(part) for name, part in structs.asdict(value).items()}
    return str(value) if isinstance(value, Secret) else value
