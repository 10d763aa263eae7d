"""Schema migrations with yoyo, safe for any number of starters at once.

yoyo's own lock is a table row that a killed process leaves behind for ever. An advisory
lock around it ends with its connection; whoever holds it may break yoyo's.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg
import structlog
from yoyo import get_backend, read_migrations

_log = structlog.get_logger(__name__)

# Any number that no other program uses for its advisory locks in this database.
_LOCK_KEY = 0x6F72646572  # "order"


class Status(NamedTuple):
    """One migration: its id (file name without ending) and whether it is applied."""

    id: str
    applied: bool


class Migrator:
    """Applies the migrations of all contexts to one database.

    Args:
        directory: Holds a folder of migrations a context.
        host: Database host, and so on; the user needs the rights to create the schema.
        options: More libpq keywords, such as ``sslmode`` and ``connect_timeout``.
    """

    def __init__(  # noqa: PLR0913 - the parts of one address
        self,
        directory: Path,
        *,
        host: str,
        port: int,
        user: str,
        password: str,
        dbname: str,
        options: dict[str, str],
    ) -> None:
        self._directory = directory
        self._uri = _uri(host, port, user, password, dbname, options)
        self._conninfo = psycopg.conninfo.make_conninfo(
            host=host, port=port, user=user, password=password, dbname=dbname, **options
        )

    def up(self) -> Sequence[str]:
        """Apply what is missing; return the ids. Waits for another starter that migrates."""
        return self._change("apply", lambda b, all_: b.to_apply(all_), "apply_one")

    def down(self, count: int) -> Sequence[str]:
        """Roll the last `count` migrations back; return their ids, newest first."""
        return self._change(
            "roll back", lambda b, all_: b.to_rollback(all_)[:count], "rollback_one"
        )

    def status(self) -> Sequence[Status]:
        """Return all known migrations in their order."""
        with self._backend() as backend:
            applied = {m.id for m in self._migrations() if backend.is_applied(m)}
        return [Status(m.id, m.id in applied) for m in self._migrations()]

    def _change(self, verb: str, select: Callable[[Any, Any], Any], method: str) -> Sequence[str]:
        """Run `method` of the backend for each selected migration, under the lock."""
        done = []
        with self._alone(), self._backend() as backend:
            backend.break_lock()
            with backend.lock():
                for migration in select(backend, self._migrations()):
                    _log.info(f"migrations: {verb}", migration=migration.id)
                    getattr(backend, method)(migration)
                    done.append(migration.id)
        return done

    def _migrations(self) -> Any:  # noqa: ANN401 - yoyo has no types
        folders = sorted(str(path) for path in self._directory.iterdir() if path.is_dir())
        return read_migrations(*folders)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the advisory lock; the server frees it when the connection ends."""
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
            yield

    @contextlib.contextmanager
    def _backend(self) -> Iterator[Any]:
        backend = get_backend(self._uri)
        try:
            yield backend
        finally:
            backend.connection.close()


def _uri(  # noqa: PLR0913, PLR0917
    host: str, port: int, user: str, password: str, dbname: str, options: dict[str, str]
) -> str:
    credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in options.items())
    return f"postgresql+psycopg://{credentials}@{host}:{port}/{quote(dbname, safe='')}?{query}"


_FORWARD = """-- What changes, and why.
-- Write statements that can be run again: a killed run may have left half of them.
-- depends: {previous}

"""
_ROLLBACK = """-- Undoes {id}.

"""


def create(folder: Path, name: str) -> Sequence[Path]:
    """Write an empty migration and its rollback behind the last one; return their paths.

    Args:
        folder: The folder of one context.
        name: A few words; they become part of the id.

    Raises:
        ValueError: The name holds no letter or digit.
    """
    slug = "-".join(re.findall(r"[a-z0-9]+", name.lower()))
    if not slug:
        raise ValueError(f"not a name for a migration: {name!r}")
    ids = sorted(path.name.split(".")[0] for path in folder.glob("[0-9]*"))
    number = int(ids[-1].split("-")[0]) + 1 if ids else 1
    id_ = f"{number:04d}-{slug}"
    paths = folder / f"{id_}.sql", folder / f"{id_}.rollback.sql"
    paths[0].write_text(_FORWARD.format(previous=ids[-1] if ids else ""))
    paths[1].write_text(_ROLLBACK.format(id=id_))
    return paths
