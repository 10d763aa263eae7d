"""The disk of Postgres is full: ingest waits, and goes on once there is room."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.chaos.stack import Stack
from tests.waiting import eventually

pytestmark = pytest.mark.apache_kafka


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB that the server may write to."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0777", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let root mount anything")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_waited_for_and_nothing_is_lost(fresh: Stack, small_disk: Path) -> None:
    _move_tables(fresh, small_disk)
    consumer = fresh.consumer()
    consumer.await_status(200, 30)
    with fresh.feed() as feed:
        feed.produce(100)
        fresh.await_drained()
        ballast = small_disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        feed.produce(3_000)
        eventually(lambda: consumer.part("postgres").get("ok") is False, 30, "readiness fails")
        ballast.unlink()
        consumer.await_status(200, 30)
        fresh.check_set(feed)
    assert consumer.process.poll() is None


def _move_tables(stack: Stack, disk: Path) -> None:
    """Let the tables of the orders lie on the small disk."""
    place = disk / "tablespace"
    place.mkdir()
    with psycopg.connect(stack.dsn) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    owner = Path(row[0]).stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    stack.admin(
        f"CREATE TABLESPACE small LOCATION '{place}'",
        "ALTER TABLE orders.orders SET TABLESPACE small",
        "ALTER TABLE orders.items SET TABLESPACE small",
    )
