"""Reads a YAML document so that nothing in it goes unnoticed.

PyYAML takes the last of two equal keys and forgets the other; a person who finds the first
one in a long file then wonders why it has no effect. And a fault is found faster with the
number of its line.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

Path = tuple[str, ...]

# That of libyaml takes a tenth of the time, and each process reads the file once.
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Repeated(NamedTuple):
    """A key that stands twice in one section: where it stands again and where first."""

    path: Path
    line: int
    first: int


class YamlDocument(NamedTuple):
    """A document's content, the line of each key, and the keys that stand in it twice."""

    tree: object
    lines: dict[Path, int]
    repeated: tuple[Repeated, ...]


def read_document(text: str) -> YamlDocument:
    """Return what a YAML text says; lines are counted from 1.

    Raises:
        yaml.YAMLError: It is not YAML, or it uses more of YAML than plain values.
    """
    try:
        return _read(_FAST(text))
    except yaml.YAMLError:
        # The other one names the line where the fault begins.
        return _read(yaml.SafeLoader(text))


def _read(loader: yaml.SafeLoader) -> YamlDocument:
    lines: dict[Path, int] = {}
    repeated: list[Repeated] = []
    try:
        root: Any = loader.get_single_node()
        for path, line, again in _keys_of(root, (), frozenset()):
            first = lines.setdefault(path, line)
            if again:
                repeated.append(Repeated(path, line, first))
        tree = loader.construct_document(root) if root is not None else None
    finally:
        loader.dispose()
    return YamlDocument(tree, lines, tuple(repeated))


def _keys_of(node: object, path: Path, above: frozenset[int]) -> Iterator[tuple[Path, int, bool]]:
    """Yield where each key stands, its line, and whether its section has it already."""
    # An anchor may stand within itself.
    if not isinstance(node, yaml.MappingNode) or id(node) in above:
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        yield (*path, name), key.start_mark.line + 1, name in seen
        seen.add(name)
        yield from _keys_of(value, (*path, name), above | {id(node)})
