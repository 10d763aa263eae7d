"""A section of config.yml: the settings of one context, or of one part of the machinery."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

Contradiction = tuple[str, str]
"""The dotted path of a setting, and what it contradicts."""


def ignored(*paths: str) -> dict[str, str]:
    """Return settings that are gone, and that nobody has to replace by anything."""
    return dict.fromkeys(paths, "it has no effect")


def _no_rules(_: Any) -> Iterator[Contradiction]:  # noqa: ANN401 - see `Section.rules`
    return iter(())


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its keys with their types, ranges and defaults, and how it has changed.

    Attributes:
        name: How it is called in config.yml; the first word of its environment variables.
        settings: A frozen struct, each field with a default.
        rules: Given the settings, yields what contradicts what, beyond the range of each key.
        renamed: Where settings stood in an earlier version: whole dotted path to the one within
            this section. Both are taken; the old one with a warning.
        retired: Whole dotted paths of an earlier version that are ignored now, with a warning that
            says what became of them.
    """

    name: str
    settings: type[Struct]
    rules: Callable[[Any], Iterator[Contradiction]] = _no_rules
    renamed: Mapping[str, str] = field(default_factory=dict)
    retired: Mapping[str, str] = field(default_factory=dict)
