"""Who may ask for what: the rule of each route, and which rule a path falls under."""

from collections.abc import Mapping
from typing import NamedTuple

METRICS_READ = "metrics:read"
"""The one scope of the machinery itself: `/metrics`."""


class Scope(NamedTuple):
    """What a credential may admit to.

    Attributes:
        about: What it lets one do: ``read orders``.
        customers: Whether every person's token has it.
        admins: Whether the tokens of those who administer the shop have it.
    """

    about: str
    customers: bool = False
    admins: bool = False


class Access(NamedTuple):
    """What a credential must admit to.

    Attributes:
        scopes: Any one of them is enough, and the first is what others are told to ask for; with
            none, any caller that is known at all.
        personal: Whether the route is about the person who asks. It then needs a person's token,
            whatever `http.auth` says of what is not.
        fresh: Whether it must be known at this moment that the caller is still admitted. Such a
            route is closed while that cannot be known; any other lives on what was known last.
        cookie: Name of a cookie that is taken for the credential where no header has one.
    """

    scopes: tuple[str, ...] = ()
    personal: bool = False
    fresh: bool = False
    cookie: str = ""


AccessRules = Mapping[str, Access | None]
"""The rule of each path, None where it is open to all. A path that ends with a slash stands for all
below it; the longest one that fits counts."""

OWN_ACCESS: AccessRules = {
    "/": None,
    "/favicon.ico": None,
    "/openapi.json": None,
    "/swagger": None,
    "/web/": None,
    "/swagger/": None,
    "/health/": None,
    "/metrics": Access((METRICS_READ,)),
}
"""The routes that every API has."""


class RouteAccess:
    """Finds the rule that a path falls under.

    Args:
        rules: Of all routes.
    """

    UNCLAIMED = Access()
    """No route: who is known at all may learn that there is nothing."""

    def __init__(self, rules: AccessRules) -> None:
        self._exact = {path: rule for path, rule in rules.items() if not _is_tree(path)}
        # By the first part of the path: every request asks, and there are many trees.
        self._below: dict[str, list[tuple[str, Access | None]]] = {}
        for path in sorted(filter(_is_tree, rules), key=len, reverse=True):
            self._below.setdefault(_first_part(path), []).append((path, rules[path]))

    def of(self, path: str) -> Access | None:
        """Return the rule of a path, None if it is open to all."""
        for prefix, rule in self._below.get(_first_part(path), ()):
            if path.startswith(prefix) and path not in self._exact:
                return rule
        return self._exact.get(path, self.UNCLAIMED)

    def is_personal(self, prefix: str) -> bool:
        """Return whether what is below a path is about the person who asks."""
        rule = self.of(f"{prefix}x")
        return rule is not None and rule.personal


def _first_part(path: str) -> str:
    """Return ``orders`` of ``/orders/1``."""
    return path[1:].partition("/")[0]


def _is_tree(path: str) -> bool:
    return path.endswith("/") and path != "/"
