"""Reads a YAML document so that nothing in it goes unnoticed.

PyYAML takes the last of two equal keys and forgets the other; a person who finds the first
one in a long file then wonders why it has no effect. And a fault is found faster with the
number of its line.
"""

from typing import Any, NamedTuple

import yaml

Path = tuple[str, ...]


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
    loader = yaml.SafeLoader(text)
    try:
        root: Any = loader.get_single_node()
        survey = _Survey()
        survey.visit(root, ())
        tree = loader.construct_document(root) if root is not None else None
    finally:
        loader.dispose()
    return YamlDocument(tree, survey.lines, tuple(survey.repeated))


class _Survey:
    """Notes where each key stands."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.repeated: list[Repeated] = []
        self._above: set[int] = set()
        self._seen: list[set[Path]] = []

    def visit(self, node: object, path: Path) -> None:
        # An anchor may stand within itself.
        if not isinstance(node, yaml.MappingNode) or id(node) in self._above:
            return
        self._above.add(id(node))
        self._seen.append(set())
        for name, value in node.value:
            self._note((*path, str(name.value)), name.start_mark.line + 1, value)
        self._seen.pop()
        self._above.discard(id(node))

    def _note(self, path: Path, line: int, value: object) -> None:
        first = self.lines.setdefault(path, line)
        if path in self._seen[-1]:
            self.repeated.append(Repeated(path, line, first))
        self._seen[-1].add(path)
        self.visit(value, path)
