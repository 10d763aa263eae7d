"""Schema migrations with yoyo, safe for any number of starters at once.

There is a folder of migrations for each context, and `SERVICE` for what all of them need. They are
applied folder by folder, in each by number. yoyo takes the name of a file for its id; here the
folder is a part of it, so that two contexts may have migrations of one name.

yoyo's own lock is a table row that a killed process leaves behind for ever. An advisory
lock around it ends with its connection; whoever holds it may break yoyo's.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import structlog
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import Migration, default_migration_table

from .applied import applied_ids, rename_those_of_1_0
from .own_session import OwnSession

_log = structlog.get_logger(__name__)

SERVICE = "service"
"""Folder of what comes before all contexts."""

# Any number that no other program uses for its advisory locks in this database.
_LOCK_KEY = 0x6F72646572  # "order"


class MigrationStatus(NamedTuple):
    """One migration: its id (folder and file name without ending) and whether it is applied."""

    id: str
    applied: bool


def find_migrations(directory: Path, folders: Sequence[str] = ()) -> dict[str, Path]:
    """Return the files of all migrations by their ids, in the order in which they are applied.

    Args:
        directory: Holds a folder of migrations for each context that has any.
        folders: Those that are wanted, in their order; all if empty. `SERVICE` comes first.
    """
    wanted = folders or sorted(path.name for path in directory.iterdir() if path.is_dir())
    ordered = dict.fromkeys([SERVICE, *wanted])
    return {
        f"{folder}/{path.stem}": path for folder in ordered for path in _files(directory / folder)
    }


def _files(folder: Path) -> list[Path]:
    files = [path for path in folder.glob("[0-9]*") if path.suffix in {".py", ".sql"}]
    return sorted(
        (path for path in files if not path.name.endswith(".rollback.sql")),
        key=lambda path: (_number(path), path.name),
    )


def _number(path: Path) -> int:
    return int(path.name.partition("-")[0])


class Migrator:
    """Applies the migrations of all contexts to one database.

    Args:
        migrations: Files by id; see `find_migrations`.
        conninfo: libpq keywords; the role needs the rights to create the schema.
    """

    def __init__(self, migrations: dict[str, Path], conninfo: str) -> None:
        self._migrations = migrations
        self._conninfo = conninfo

    def up(self) -> Sequence[str]:
        """Apply what is missing; return the ids. Waits for another starter that migrates."""
        with self._alone() as (connection, backend):
            applied = applied_ids(connection)
            missing = [id_ for id_ in self._migrations if id_ not in applied]
            for migration in self._loaded(missing):
                _log.info("migrations: apply", migration=migration.id)
                backend.apply_one(migration)
        return missing

    def down(self, count: int) -> Sequence[str]:
        """Roll the last `count` migrations back; return their ids, newest first."""
        with self._alone() as (connection, backend):
            applied = applied_ids(connection)
            last = [id_ for id_ in reversed(self._migrations) if id_ in applied][:count]
            for migration in self._loaded(last):
                _log.info("migrations: roll back", migration=migration.id)
                backend.rollback_one(migration)
        return last

    def status(self) -> Sequence[MigrationStatus]:
        """Return all known migrations in their order."""
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            applied = applied_ids(connection)
        return [MigrationStatus(id_, id_ in applied) for id_ in self._migrations]

    def _loaded(self, ids: Sequence[str]) -> list[Any]:
        """Return yoyo's migrations of these ids."""
        # All are made, because one may name another one of them that it depends on.
        made = {
            id_: Migration(id_, str(path), str(path.parent))
            for id_, path in self._migrations.items()
        }
        return [made[id_] for id_ in ids]

    @contextlib.contextmanager
    def _alone(self) -> Iterator[tuple[psycopg.Connection[Any], Any]]:
        """Hold the advisory lock; the server frees it when the connection ends."""
        with OwnSession.connect(self._conninfo) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
            rename_those_of_1_0(connection)
            _require_rights(connection)
            with _open_backend(self._conninfo) as backend:
                backend.break_lock()
                with backend.lock():
                    yield connection, backend


def _require_rights(connection: psycopg.Connection[Any]) -> None:
    """Raise InsufficientPrivilege where yoyo could not make its tables: it would not say so."""
    statement = """
        SELECT current_user, current_schema(), current_database()
        WHERE to_regclass('yoyo_lock') IS NULL
          AND NOT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
        """
    for role, schema, database in connection.execute(statement):
        place = f"in the schema {schema} of the database {database}"
        raise errors.InsufficientPrivilege(f"permission denied: {role} may create nothing {place}")


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo's access to the database, and one more session, in which migrations run.

    yoyo would connect anew for each of them, which takes longer than most of them do.
    """

    _second: "_Session | None" = None

    def copy(self) -> "_Session":
        """Return the session for the next migration."""
        if self._second is None:
            self._second = _Session(self.uri, self.migration_table)
        return self._second

    def __exit__(self, *exception: object) -> None:
        """Close both."""
        if self._second is not None:
            self._second.connection.close()
        super().__exit__(*exception)


class _Session(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """A session that is as good as new after each use."""

    def init_connection(self, connection: psycopg.Connection[Any]) -> None:
        """Have no statement prepared that would be forgotten, too."""
        connection.prepare_threshold = None
        super().init_connection(connection)

    def __exit__(self, *exception: object) -> None:
        """Forget what a migration that went well has set; another one ends the session."""
        if any(exception):
            super().__exit__(*exception)
        else:
            self.execute("DISCARD ALL")


def _open_backend(conninfo: str) -> Any:  # noqa: ANN401 - yoyo has no types
    """Return yoyo's access to the database."""
    keywords = conninfo_to_dict(conninfo)
    database = keywords.pop("dbname")
    uri = DatabaseURI("postgresql+psycopg", None, None, None, None, database, keywords)
    backend = _Backend(uri, default_migration_table)
    backend.init_database()
    return backend


_FORWARD = """-- What changes, and why.
-- Write statements that can be run again: a killed run may have left half of them.

"""
_ROLLBACK = """-- Undoes {id}.

"""


def create(folder: Path, name: str) -> Sequence[Path]:
    """Write an empty migration and its rollback behind the last one; return their paths.

    Args:
        folder: The folder of one context; made if it is missing.
        name: A few words; they become part of the id.

    Raises:
        ValueError: The name holds no letter or digit.
    """
    slug = "-".join(re.findall(r"[a-z0-9]+", name.lower()))
    if not slug:
        raise ValueError(f"not a name for a migration: {name!r}")
    folder.mkdir(exist_ok=True)
    number = max(map(_number, _files(folder)), default=0) + 1
    stem = f"{number:04d}-{slug}"
    paths = folder / f"{stem}.sql", folder / f"{stem}.rollback.sql"
    paths[0].write_text(_FORWARD)
    paths[1].write_text(_ROLLBACK.format(id=f"{folder.name}/{stem}"))
    return paths
