"""Parameters and headers of the views of this context, as they are documented."""

from collections.abc import Mapping

LIMIT: Mapping[str, object] = {
    "in": "query",
    "name": "limit",
    "description": "How long a page shall be. Without it the whole list is given",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
}


def _cursor(pattern: str) -> Mapping[str, object]:
    return {
        "in": "query",
        "name": "cursor",
        "description": "Where the page begins: from the `Link` header of the page before",
        "schema": {"type": "string", "pattern": pattern},
    }


NUMBER_CURSOR = _cursor(r"^[0-9]{1,17}\.[0-9]{1,255}$")
ENTRY_CURSOR = _cursor("^[0-9]{1,18}$")
PERSON: Mapping[str, object] = {
    "in": "path",
    "name": "owner",
    "description": "Whose points",
    "schema": {"type": "string", "format": "uuid"},
    "example": "0193667b-7c11-7a52-9d4e-6f1f2b3c4d5e",
}
LINK: Mapping[str, object] = {
    "Link": {
        "description": 'The next page, `rel="next"` (RFC 8288); missing on the last one',
        "schema": {"type": "string"},
    }
}
