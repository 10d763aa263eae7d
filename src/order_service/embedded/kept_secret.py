"""Passwords of embedded servers: made once, and kept where nobody but their owner reads them."""

import os
import secrets
from pathlib import Path


def kept_secret(path: Path, given: str | None = None) -> str:
    """Return the text of this file; the first call keeps the given one there, or a random one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_secret(path, given or secrets.token_urlsafe(24))
    return path.read_text()


def write_secret(path: Path, text: str) -> None:
    """Write `text` so that no other user can read it at any time, and never half of it."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
