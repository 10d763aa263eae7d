"""Reads as much PromQL as is needed to tell which series an expression asks for.

Whether an expression is well-formed is for promtool to say.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_STRING = r'"(?:[^"\\]|\\.)*"'
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_STRING})")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_KEYWORDS = {"and", "or", "unless", "bool", "offset", "Inf", "NaN"}
_DURATION = re.compile(r"\boffset\s+\w+")
# A name with its braces or the parenthesis that makes it a function; or what holds no names.
_SELECTOR = re.compile(
    rf'([a-zA-Z_:][\w:]*)\s*(\{{(?:{_STRING}|[^}}"])*\}}|\()?|{_STRING}|\[[^\]]*\]'
)


class Matcher(NamedTuple):
    """One condition of a selector, such as ``level=~"local|hit"``."""

    label: str
    operator: str
    value: str

    def admits(self, value: str) -> bool:
        """Tell whether a series with this value of the label passes."""
        if "~" in self.operator:
            found = re.fullmatch(self.value, value) is not None
        else:
            found = self.value == value
        return found is not self.operator.startswith("!")


class Selector(NamedTuple):
    """A metric name with its conditions."""

    metric: str
    matchers: tuple[Matcher, ...]


def grouping_labels(expression: str) -> set[str]:
    """Return the labels that the expression groups or joins by."""
    groups = _GROUPING.findall(expression)
    return {label.strip() for group in groups for label in group.split(",") if label.strip()}


def selectors(expression: str) -> Iterator[Selector]:
    """Yield what the expression selects."""
    plain = _DURATION.sub("", _GROUPING.sub("", expression))
    for found in _SELECTOR.finditer(plain):
        name, behind = found[1], found[2] or ""
        if name is None or name in _KEYWORDS or behind == "(":
            continue
        matchers = _MATCHER.findall(behind)
        yield Selector(name, tuple(Matcher(m[0], m[1], m[2][1:-1]) for m in matchers))
