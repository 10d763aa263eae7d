"""A configuration as it may be shown."""

from typing import Any

from msgspec import Struct, structs

from order_service.config.model import Config
from order_service.config.secret import Secret


def redacted(config: Config) -> dict[str, Any]:
    """Return the settings as nested plain values, fit for JSON, with every secret masked."""
    tree: dict[str, Any] = _plain(config)
    del tree["file"], tree["warnings"]
    return tree


def _plain(value: object) -> Any:  # noqa: ANN401  a leaf is of any plain type
    if isinstance(value, Struct):
        return {name: _plain(part) for name, part in structs.asdict(value).items()}
    return str(value) if isinstance(value, Secret) else value
