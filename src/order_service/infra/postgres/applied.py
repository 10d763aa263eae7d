"""Which migrations are applied to a database, by yoyo's own record.

An id is the folder and the name of its file without ending: ``orders/0001-create-orders``. In
version 1.0 it was the name alone, so that no two contexts could have migrations of one name.
"""

from typing import Any

from psycopg import Connection

_SINCE_1_0 = {
    "0001-create-orders": ("orders/0001-create-orders",),
    "0002-create-service-role": (
        "service/0001-create-service-role",
        "orders/0002-let-the-service-store-orders",
    ),
    "0001-create-api-keys": ("access/0001-create-api-keys",),
    "0002-let-the-service-read-keys": ("access/0002-let-the-service-read-keys",),
}
"""The ids that took the place of each one of version 1.0."""

# One statement: whenever it is killed, each migration is on record under one kind of id. yoyo finds
# a migration by the SHA-256 of its id. Its log of what happened when is left as it was written.
_RENAME = """
WITH former AS (
    DELETE FROM _yoyo_migration WHERE migration_id = ANY (%(former)s)
    RETURNING migration_id, applied_at_utc
)
INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc)
SELECT encode(sha256(convert_to(new, 'UTF8')), 'hex'), new, applied_at_utc
FROM former JOIN unnest(%(former)s::text[], %(new)s::text[]) AS renamed (old, new)
    ON old = migration_id
ON CONFLICT DO NOTHING
"""


def applied_ids(connection: Connection[Any]) -> frozenset[str]:
    """Return the ids of all applied migrations, those of version 1.0 by their present ids.

    Changes nothing.

    Raises:
        psycopg.Error: They cannot be read, perhaps not by this role.
    """
    if not _has_record(connection):
        return frozenset()
    rows = connection.execute("SELECT migration_id FROM _yoyo_migration").fetchall()
    return frozenset(id_ for (found,) in rows for id_ in _SINCE_1_0.get(found, (found,)))


def rename_those_of_1_0(connection: Connection[Any]) -> None:
    """Put the record of version 1.0 under the present ids, if that has not been done.

    A starter of version 1.0 that comes later finds nothing applied; its migrations can be run
    again, change nothing, and are taken off the record by the next call.
    """
    if _has_record(connection):
        pairs = [(old, new) for old, many in _SINCE_1_0.items() for new in many]
        former, new = zip(*pairs, strict=True)
        connection.execute(_RENAME, {"former": list(former), "new": list(new)})


def _has_record(connection: Connection[Any]) -> bool:
    row = connection.execute("SELECT to_regclass('_yoyo_migration') IS NOT NULL").fetchone()
    return bool(row and row[0])
