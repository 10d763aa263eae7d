"""From config.yml, `.env` and the environment to one frozen Config.

Later sources win: defaults, the file, `.env`, the real environment. All faults of all sources
are gathered before any is reported.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import yaml
from dotenv import dotenv_values

from .documents import YamlDocument, read_document
from .errors import ConfigError, Fault, variable_of
from .keys import Key
from .model import Config
from .schema import Schema
from .section import Section

FILE_VARIABLE = "ORDER_SERVICE_CONFIG"
_DEFAULT_FILE = Path("config.yml")
_DOTENV_FILE = Path(".env")
# Where Kubernetes meets a Service named `postgres`, it sets POSTGRES_PORT=tcp://10.0.0.1:5432.
_SERVICE_LINK = re.compile(r"^(tcp|udp|sctp)://")
_CLOSE = 0.85

KeyPath = tuple[str, ...]


class Examination(NamedTuple):
    """What the sources say: a configuration, or every reason why there is none.

    `origins` tells where the value of a key was found, by its dotted path; keys that are not
    in it have their default.
    """

    config: Config | None
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]
    origins: Mapping[str, str]
    file: Path | None
    schema: Schema


def load_config(
    sections: Sequence[Section], path: Path | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """Return the configuration of this process.

    Args:
        sections: What the contexts can be told.
        path: The file; else what ORDER_SERVICE_CONFIG names, else ./config.yml if it exists. `.env`
            of the current directory is read too.
        environ: Replaces `os.environ`.

    Raises:
        ConfigError: with every fault of every source.
    """
    found = examine_config(sections, path, environ)
    if found.config is None:
        raise ConfigError(found.faults)
    return found.config


def examine_config(
    sections: Sequence[Section], path: Path | None = None, environ: Mapping[str, str] | None = None
) -> Examination:
    """Return what :func:`load_config` would, or what keeps it from that; raises nothing."""
    loading = _Loading(Schema(sections))
    loading.read_environment(os.environ if environ is None else environ)
    loading.read_file(path)
    loading.apply_environment()
    return loading.result()


class _Loading:
    """The values and faults that have been found so far."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.values: dict[str, object] = {}
        self.origins: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self.variables: dict[str, tuple[str, str]] = {}
        self.file: Path | None = None
        self.lines: Mapping[KeyPath, int] = {}

    def read_environment(self, environ: Mapping[str, str]) -> None:
        for name, text in self._dotenv().items():
            self.variables[name] = (text, f"from {name} in {_DOTENV_FILE}")
        for name, text in environ.items():
            self.variables[name] = (text, f"from environment variable {name}")

    def _dotenv(self) -> dict[str, str]:
        try:
            # Without interpolation: a `$` in a password is a dollar sign.
            found = dotenv_values(_DOTENV_FILE, interpolate=False) if _DOTENV_FILE.is_file() else {}
        except (OSError, UnicodeDecodeError) as error:
            self.faults.append(Fault(str(_DOTENV_FILE), "cannot be read", _reason(error)))
            return {}
        return {name: text for name, text in found.items() if text is not None}

    def read_file(self, path: Path | None) -> None:
        named, _ = self.variables.get(FILE_VARIABLE, ("", ""))
        self.file = path or (Path(named) if named else None)
        if self.file is None and _DEFAULT_FILE.is_file():
            self.file = _DEFAULT_FILE
        if self.file is None:
            return
        try:
            document = read_document(self.file.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            self.faults.append(Fault(str(self.file), "cannot be read", _reason(error)))
            return
        self.lines = document.lines
        self._refuse_repeated(document)
        for leaf, value in _walk(document.tree, (), self.schema.groups):
            self._take_leaf(leaf, value)

    def _refuse_repeated(self, document: YamlDocument) -> None:
        for path, line, first in document.repeated:
            problem = f"stands there twice, first in line {first}: one of them has no effect"
            self.faults.append(Fault(".".join(path), problem, f"from {self.file}, line {line}"))

    def _take_leaf(self, path: KeyPath, value: object) -> None:
        schema = self.schema
        if key := schema.by_path.get(path):
            self._take_value(key, value, path)
        elif key := schema.renamed.get(path):
            self.warnings.append(f"{'.'.join(path)} is called {key.dotted} now")
            self._take_value(key, value, path)
        elif became := schema.retired.get(path):
            self.warnings.append(f"{'.'.join(path)} is no setting any more: {became}")
        elif path not in schema.groups:
            self._fault(path, _unknown(path, schema.by_path))
        elif value is not None:
            self._fault(path, f"expected a section with keys, got {_shown(value)}")

    def _fault(self, path: KeyPath, problem: str) -> None:
        name = ".".join(path) or str(self.file)
        self.faults.append(Fault(name, problem, self._place(path)))

    def _place(self, path: KeyPath) -> str:
        line = self.lines.get(path)
        return f"from {self.file}, line {line}" if line else f"from {self.file}"

    def _take_value(self, key: Key, value: object, path: KeyPath) -> None:
        if value is None:  # `host:` with nothing behind it asks for the default
            return
        try:
            self.values[key.dotted] = key.from_value(value)
            self.origins[key.dotted] = self._place(path)
        except ValueError:
            self._fault(path, _unfit(key, value))

    def apply_environment(self) -> None:
        """Take the variables; a setting's present name wins over one that it had."""
        renamed = {variable_of(".".join(old)): key for old, key in self.schema.renamed.items()}
        retired = {variable_of(".".join(old)): how for old, how in self.schema.retired.items()}
        ours = self.schema.by_variable
        for name, (text, origin) in sorted(self.variables.items(), key=lambda v: v[0] in ours):
            if name in ours:
                self._take_text(ours[name], text, origin)
            elif key := renamed.get(name):
                self.warnings.append(f"{name} is called {key.variable} now")
                self._take_text(key, text, origin)
            elif became := retired.get(name):
                self.warnings.append(f"{name} is no setting any more: {became}")
            elif close := _misspelled(name, ours):
                self.warnings.append(f"{name} is no setting: did you mean {close}?")

    def _take_text(self, key: Key, text: str, origin: str) -> None:
        if key.numeric and _SERVICE_LINK.match(text):
            self.warnings.append(f"{key.variable} is ignored: {text} is a Kubernetes service link")
            return
        try:
            self.values[key.dotted] = key.from_text(text)
            self.origins[key.dotted] = origin
        except ValueError:
            # An empty variable is the usual way to leave one unset where no text would do.
            if text:
                self.faults.append(Fault(key.dotted, _unfit(key, text), origin))

    def result(self) -> Examination:
        warnings = tuple(self.warnings)
        config = self.schema.build(self.values, warnings=warnings, file=self.file)
        found = {fault.path for fault in self.faults}
        for path, problem in self.schema.contradictions(config):
            if path not in found:
                self.faults.append(Fault(path, problem, self.origins.get(path, "")))
        usable = None if self.faults else config
        faults = tuple(self.faults)
        return Examination(usable, faults, warnings, self.origins, self.file, self.schema)


def _walk(
    tree: object, path: KeyPath, groups: frozenset[KeyPath]
) -> Iterator[tuple[KeyPath, object]]:
    """Yield each leaf of a document; what stands below no known section is one leaf."""
    if path in groups and isinstance(tree, dict):
        for name, value in tree.items():
            yield from _walk(value, (*path, str(name)), groups)
    else:
        yield path, tree


def _unknown(path: KeyPath, leaves: Mapping[KeyPath, Key]) -> str:
    known = {leaf[: len(path)] for leaf in leaves if leaf[: len(path) - 1] == path[:-1]}
    elsewhere = [key.dotted for leaf, key in leaves.items() if leaf[-1] == path[-1]]
    close = get_close_matches(path[-1], [name[-1] for name in known], 1)
    meant = ".".join((*path[:-1], close[0])) if close else ""
    if len(elsewhere) == 1 or not meant:
        meant = next(iter(elsewhere), "")
    return f"unknown key, did you mean {meant}?" if meant else "unknown key"


def _misspelled(name: str, ours: Mapping[str, Key]) -> str | None:
    prefixes = tuple(key.path[0].upper() + "_" for key in ours.values())
    close = get_close_matches(name.upper(), ours, 1, _CLOSE) if name.startswith(prefixes) else []
    return close[0] if close else None


def _unfit(key: Key, value: object) -> str:
    if key.secret:
        return f"expected {key.expectation} (the value is not shown)"
    return f"expected {key.expectation}, got {_shown(value)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004  one line


def _reason(error: Exception) -> str:
    """Say what went wrong without quoting the file: the line may hold a password."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "it is not YAML"
