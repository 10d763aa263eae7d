"""Finds the files that travel with the code: migrations, the page, the default settings."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def bundled(name: str) -> Path:
    """Return the path of `migrations`, `web` or `config.yml`.

    In an installed package they lie inside it, in a checkout at the root of the repository.

    Raises:
        FileNotFoundError: if neither place has it.
    """
    for place in (_PACKAGE / "_bundled", _PACKAGE.parents[1]):
        if (place / name).exists():
            return place / name
    raise FileNotFoundError(f"{name} came neither with the package nor with a checkout")
