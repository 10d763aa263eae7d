"""Who holds the other end of a connection."""

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from order_service.embedded import peers
from order_service.embedded.peers import is_stranger

PORTS = 40_001, 50_002


def table(folder: Path, *lines: str) -> Path:
    path = folder / "tcp"
    path.write_text("\n".join(["  sl  local_address rem_address", *lines, ""]), encoding="ascii")
    return path


def line(local: str, remote: str, uid: int) -> str:
    return f"   0: {local} {remote} 01 00000000:00000000 00:00000000 00000000 {uid} 0 1 1 0 20"


def test_a_client_of_ours_is_none() -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        closing(socket.create_connection(server.getsockname())) as client,
    ):
        assert not is_stranger(client.getsockname()[1], server.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "uid", "stranger"),
    [
        ("0100007F", os.geteuid(), False),
        ("0100007F", 0, False),
        ("0100007F", 65_533, True),
        ("0000000000000000FFFF00000100007F", 65_533, True),
        ("0000000000000000FFFF00000100007F", os.geteuid(), False),
        ("0200000A", os.geteuid(), True),
    ],
)
def test_the_owner_of_the_clients_socket_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, uid: int, *, stranger: bool
) -> None:
    client, server = PORTS
    found = line(f"{address}:{client:04X}", f"{address}:{server:04X}", uid)
    other_way = line(f"{address}:{server:04X}", f"{address}:{client:04X}", 65_532)
    monkeypatch.setattr(peers, "_TABLES", (table(tmp_path, other_way, found),))
    assert is_stranger(client, server) is stranger


def test_who_is_not_listed_is_a_stranger_unless_nobody_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "_TABLES", (table(tmp_path),))
    assert is_stranger(*PORTS)
    monkeypatch.setattr(peers, "_TABLES", (tmp_path / "no such table",))
    assert not is_stranger(*PORTS)
