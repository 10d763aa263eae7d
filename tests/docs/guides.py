"""Reads the guides: the commands in their blocks, their links and their headings."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *ROOT.glob("docs/**/*.md"),
    ]
)
_BLOCK = re.compile(r"^( *)```(?:sh|bash|console)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_ANY_BLOCK = re.compile(r"^( *)```.*?^ *```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`((?:order-service|make|python -m)(?: [^`|<>]*)?)`")
_SUBSTITUTION = re.compile(r"\$\([^)]*\)")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
_OPERATOR = re.compile(r"[|;&()]+")


class Command(NamedTuple):
    """One simple command of a block: where it stands, its words, and its environment."""

    page: str
    words: tuple[str, ...]
    environ: dict[str, str]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def commands() -> list[Command]:
    """Every command of every block, in the order of the pages."""
    return [command for page in PAGES for command in _commands_of(page)]


def _commands_of(page: Path) -> Iterator[Command]:
    name = str(page.relative_to(ROOT))
    known: dict[str, str] = {}
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        for words in _simple(_SUBSTITUTION.sub("SUBSTITUTED", block[2])):
            environ, rest = _split([_expanded(word, known) for word in words])
            if rest:
                yield Command(name, tuple(rest), environ)
            else:
                known |= environ


def _expanded(word: str, known: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: known.get(match[1], match[0]), word)


def _simple(text: str) -> Iterator[list[str]]:
    """Yield the words of each simple command; redirections are left out."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for token in lexer:
            if _OPERATOR.fullmatch(token):
                yield words
                words = []
            else:
                words.append(token)
        yield words


def _split(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Split leading assignments off, and redirections with their files."""
    environ = {}
    while words and (assignment := _ASSIGNMENT.fullmatch(words[0])):
        environ[assignment[1]] = assignment[2]
        words = words[1:]
    rest = []
    skip = False
    for word in words:
        if not skip and not word.startswith((">", "<")):
            rest.append(word)
        skip = word.startswith((">", "<"))
    return environ, rest


def inline_commands() -> list[tuple[str, str]]:
    """Commands in running text, with their page; not those of the changelog."""
    found = set()
    for page in PAGES:
        if page.name != "CHANGELOG.md":
            text = _ANY_BLOCK.sub("", page.read_text(encoding="utf-8"))
            found |= {(str(page.relative_to(ROOT)), hit) for hit in _INLINE.findall(text)}
    return sorted(found)


_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def links() -> list[tuple[str, str]]:
    """Relative links and images of all pages, with the page."""
    found = []
    for page in [*PAGES, *sorted(ROOT.glob("deploy/**/*.md"))]:
        text = _ANY_BLOCK.sub("", page.read_text(encoding="utf-8"))
        hits = {first or second for first, second in _LINK.findall(text)}
        name = str(page.relative_to(ROOT))
        found += [(name, hit) for hit in sorted(hits) if "://" not in hit]
    return found


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    text = _ANY_BLOCK.sub("", page.read_text(encoding="utf-8"))
    found: dict[str, int] = {}
    result = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))
    for heading in re.findall(r"^#+ +(.+?)\s*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = found[slug] = found.get(slug, -1) + 1
        result.add(f"{slug}-{count}" if count else slug)
    return result
