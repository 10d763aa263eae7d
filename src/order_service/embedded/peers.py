"""Who is at the other end of a connection on the loopback interface.

Kafka's clients cannot use the sockets of a file system, whose permissions would keep other users of
the machine out. Linux lists the owner of each TCP socket instead.
"""

import os
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}
_UID_FIELD = 7


def is_stranger(client_port: int, server_port: int) -> bool:
    """Return whether another user than ours, or root, holds the client's end.

    Nobody is one where the system keeps no such list.

    Args:
        client_port: Of the other end.
        server_port: Of ours.
    """
    tables = [table for table in _TABLES if table.exists()]
    if not tables:
        return False
    owners = {uid for table in tables for uid in _owners(table, client_port, server_port)}
    return not owners or not owners <= {os.geteuid(), 0}


def _owners(table: Path, client_port: int, server_port: int) -> set[int]:
    """Return who holds the socket from one port to the other, by this table."""
    ends = f":{client_port:04X}", f":{server_port:04X}"
    found = set()
    for line in table.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        local, remote = fields[1], fields[2]
        if local.endswith(ends[0]) and remote.endswith(ends[1]) and _is_loopback(local):
            found.add(int(fields[_UID_FIELD]))
    return found


def _is_loopback(address: str) -> bool:
    return address.partition(":")[0] in _LOOPBACK
