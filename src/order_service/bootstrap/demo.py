"""The visit of `run --demo`: one person, kept in the data directory, who uses every context."""

import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from order_service.context import Context
from order_service.context.demo import DemoError, DemoPerson, DemoVisit
from order_service.embedded.workload import ShownLine, Visit
from order_service.infra.addresses import is_loopback
from order_service.infra.luhn import check_digit

FILE_NAME = "demo.json"


def visit_of(contexts: Sequence[Context], host: str, url: str, data_dir: Path) -> Visit | None:
    """Return what makes the visit and returns the banner's lines; None if no context has a part.

    Args:
        contexts: Those that are on; their parts are done in this order.
        host: What the API listens on. There is a visit on loopback alone: its password is printed.
        url: Base of the API.
        data_dir: Where the person is kept.
    """
    parts = {each.name: each.visit for each in contexts if each.visit is not None}
    if not parts:
        return None

    def visit(stopping: Callable[[], bool]) -> Sequence[ShownLine]:
        if not is_loopback(host):
            return [ShownLine("Demo", f"nobody to sign in as: {host} is not loopback alone")]
        return list(_lines(parts, url, data_dir, stopping))

    return visit


def _lines(
    parts: Mapping[str, Callable[[DemoVisit], None]],
    url: str,
    data_dir: Path,
    stopping: Callable[[], bool],
) -> Iterator[ShownLine]:
    lines: list[ShownLine] = []
    try:
        person = kept_person(data_dir / FILE_NAME)
    except OSError as error:
        yield ShownLine("Demo", f"nobody to sign in as: {error}")
        return
    visit = DemoVisit(url, person, lambda *line: lines.append(ShownLine(*line)), stopping)
    for name, part in parts.items():
        try:
            part(visit)
        except DemoError as error:
            visit.tell("Demo", f"{name} is not shown: {error}")
    yield from lines


def kept_person(path: Path) -> DemoPerson:
    """Return the person that the file keeps; a new one if there is none or it holds something else.

    Raises:
        OSError: It can be neither read nor written.
    """
    with suppress(FileNotFoundError, ValueError, TypeError):
        return DemoPerson(**json.loads(path.read_text("utf-8")))
    number = f"{secrets.randbelow(10**11):011}"
    person = DemoPerson(
        login=f"demo-{secrets.token_hex(2)}@example.com",
        password=secrets.token_urlsafe(12),
        order_number=number + check_digit(number),
    )
    _write(path, json.dumps(person._asdict()))
    return person


def _write(path: Path, text: str) -> None:
    """Write the file in one step, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file with mode 0600.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(path)
