"""Dead letters as text, without personal data and without anything that steers a terminal."""

import json
from collections.abc import Callable, Iterator

from order_service.messaging.dead_letters.masking import key_text, printable
from order_service.messaging.dead_letters.record import FAULTS, Letter, fault_lines
from order_service.messaging.dead_letters.search import LettersFound, Summary

from .moments import rfc3339

Masked = Callable[[bytes], object]
"""Returns the JSON value of a body without personal data; ValueError if nothing can be shown."""


def total(found: LettersFound) -> str:
    """Return how many letters a search found."""
    shown = len(found.letters)
    more = f", the newest {shown} are shown (--limit)" if shown < found.total else ""
    return f"{found.total} dead letter{'' if found.total == 1 else 's'}{more}"


def as_json(letter: Summary, *, replayed: bool) -> str:
    """Return a letter as one line of JSON."""
    fields = {**letter._asdict(), "id": str(letter.id), "time": rfc3339(letter.timestamp)}
    return json.dumps({**fields, "replayed": replayed})


def as_line(letter: Summary, *, replayed: bool) -> str:
    """Return a letter as one line for people."""
    columns = [
        f"{letter.id!s:>8}",
        rfc3339(letter.timestamp),
        f"{printable(letter.reason):18}",
        printable(letter.source),
        f"key={_quoted(letter.key[:64])}",
        "replayed" if replayed else "",
        printable("; ".join(letter.faults)),
    ]
    return "  ".join(filter(None, columns))


def _quoted(key: str) -> str:
    return key if key and " " not in key else f'"{key}"'


def described(letter: Letter, masked: Masked) -> Iterator[str]:
    """Yield the lines that tell all of a letter: headers, faults, the masked body."""
    yield f"id: {letter.id}"
    yield f"time: {rfc3339(letter.record.timestamp)}"
    yield f"key: {'none' if letter.record.key is None else _quoted(key_text(letter.record.key))}"
    for name in letter.headers:
        if name != FAULTS:
            yield f"{printable(name)}: {printable(letter.text(name))}"
    yield "faults:"
    yield from (f"  {printable(line)}" for line in fault_lines(letter.faults))
    yield from _body(letter, masked)


def described_as_json(letter: Letter, masked: Masked) -> str:
    """Return all of a letter as one JSON object; personal data masked, as in `described`."""
    record = letter.record
    headers = {name: letter.text(name) for name in letter.headers if name != FAULTS}
    document = {
        "id": str(letter.id),
        "time": rfc3339(record.timestamp),
        "key": None if record.key is None else key_text(record.key),
        "headers": headers,
        "faults": list(fault_lines(letter.faults)),
        "bytes": None if letter.omitted or letter.body is None else len(letter.body),
        "body": _masked_body(letter, masked),
    }
    return json.dumps(document, indent=2)


def _masked_body(letter: Letter, masked: Masked) -> object:
    """Return the masked body, None where there is none that can be shown."""
    if letter.omitted or letter.body is None:
        return None
    try:
        return masked(letter.body)
    except ValueError:
        return None


def _body(letter: Letter, masked: Masked) -> Iterator[str]:
    if letter.omitted or letter.body is None:
        yield "body: none"
        return
    yield f"body ({len(letter.body)} bytes, --raw shows them):"
    try:
        yield json.dumps(masked(letter.body), indent=2, ensure_ascii=False)
    except ValueError:
        yield "  no JSON, so that nothing of it can be shown without personal data"
