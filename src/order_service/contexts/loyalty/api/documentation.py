"""Parameters and headers of the views of this context, as they are documented."""

from collections.abc import Mapping

from order_service.http.documentation import UUID_TEXT, parameter

LIMIT = parameter(
    "query",
    "limit",
    "How long a page shall be. Without it the whole list is given",
    {"type": "integer", "minimum": 1, "maximum": 1000},
)


def _cursor(pattern: str) -> Mapping[str, object]:
    text = "Where the page begins: from the `Link` header of the page before"
    return parameter("query", "cursor", text, {"type": "string", "pattern": pattern})


NUMBER_CURSOR = _cursor(r"^[0-9]{1,17}\.[0-9]{1,255}$")
ENTRY_CURSOR = _cursor("^[0-9]{1,18}$")
PERSON = parameter(
    "path", "owner", "Whose points", UUID_TEXT, "0193667b-7c11-7a52-9d4e-6f1f2b3c4d5e"
)
LINK: Mapping[str, object] = {
    "Link": {
        "description": 'The next page, `rel="next"` (RFC 8288); missing on the last one',
        "schema": {"type": "string"},
    }
}
