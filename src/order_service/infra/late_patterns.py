"""Regular expressions of libraries that take long to compile, and wait for their first use.

The pattern of a domain in marshmallow's check of addresses takes 26 ms, which is a twentieth of the
time that the API takes to load, and nothing here uses it.
"""

import contextlib
import re
import sys
from collections.abc import Iterator

SLOW = frozenset(("marshmallow.validate", "cryptography.x509.name", "yaml.reader"))
"""Modules whose patterns take longer than all others together. They call no more than methods."""


class LatePattern:
    """A pattern that is compiled when it is used."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._source = pattern, flags

    def __getattr__(self, name: str) -> object:
        """Compile it; from then on its attributes are found as those of any object."""
        compiled = re.compile(*self._source)
        value: object = getattr(compiled, name)
        setattr(self, name, value)
        return value


@contextlib.contextmanager
def compiled_late() -> Iterator[None]:
    """Leave the patterns of `SLOW` for later while the block imports modules."""
    compile_now = re.compile

    def compile_some(pattern: str, flags: int = 0) -> object:
        if sys._getframe(1).f_globals.get("__name__") in SLOW:  # noqa: SLF001 - who asks
            return LatePattern(pattern, flags)
        return compile_now(pattern, flags)

    re.compile = compile_some  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = compile_now
