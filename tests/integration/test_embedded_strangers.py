"""What embedded servers tell other users of the machine: nothing."""

import os
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import redis

from order_service.embedded.mock_kafka import MockKafka
from order_service.embedded.valkey import ValkeyServer
from tests.servers import started

_ASK_AS_SOMEBODY = """
import encodings.idna, os, socket, sys  # all, as somebody else may read no file of it
port, uid = map(int, sys.argv[1:3])
os.setgid(uid)
os.setuid(uid)
request = bytes.fromhex(sys.argv[3])
with socket.create_connection(("127.0.0.1", port), 5) as connection:
    connection.sendall(request)
    try:
        print(len(connection.recv(10)))
    except ConnectionError:
        print(0)
"""
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 7, -1)


def answered_bytes(port: int, uid: int) -> int:
    """How many bytes of an answer a client of this user gets."""
    command = [sys.executable, "-I", "-c", _ASK_AS_SOMEBODY, str(port), str(uid)]
    done = subprocess.run(
        [*command, _API_VERSIONS.hex()], capture_output=True, text=True, timeout=30, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_broker_in_memory_answers_its_own_user_alone(tmp_path: Path) -> None:
    with started(MockKafka(tmp_path, {"orders": 1})) as server:
        port = int(server.bootstrap_servers.rpartition(":")[2])
        assert server.pid
        assert answered_bytes(port, os.geteuid()) == 10
        assert answered_bytes(port, 65_534) == 0
        listening = [
            each.laddr.port
            for each in psutil.Process(server.pid).net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
        ]
        assert listening == [port], "librdkafka listens for everybody"


def pings(url: str) -> bool:
    """Whether a client that was given this address is answered."""
    with closing(redis.Redis.from_url(url, retry=None)) as client:
        return bool(client.ping())


def test_a_closed_valkey_answers_nobody_without_its_password(tmp_path: Path) -> None:
    with started(ValkeyServer(tmp_path, closed=True)) as server:
        assert pings(server.environment()["REDIS_URL"])
        with pytest.raises(redis.AuthenticationError):
            pings(f"redis://127.0.0.1:{server.port}/0")
        password = server.environment()["REDIS_URL"].split(":")[2].partition("@")[0]
        assert server.pid
        assert password not in " ".join(psutil.Process(server.pid).cmdline())
        readable = [each.name for each in tmp_path.iterdir() if each.stat().st_mode & 0o044]
        assert not [name for name in readable if password in (tmp_path / name).read_text()]
        server.stop()
        server.start()
        assert pings(server.environment()["REDIS_URL"]), "another password after a restart"
