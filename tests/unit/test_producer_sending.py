"""The producer as a process, against the broker that librdkafka carries for its own tests."""

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
BROKER = """
import confluent_kafka, sys
client = confluent_kafka.Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1})
for broker in client.list_topics(timeout=10).brokers.values():
    print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def broker() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", BROKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def start(broker: subprocess.Popen[str], *arguments: str) -> subprocess.Popen[str]:
    assert broker.stdout is not None
    return subprocess.Popen(
        [sys.executable, "-m", "producer", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": broker.stdout.readline().strip(),
            "KAFKA_API_VERSION": "2.3",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_message_is_acknowledged_counted_and_recorded(
    broker: subprocess.Popen[str], tmp_path: Path
) -> None:
    record = tmp_path / "record.jsonl"
    mix = ("--invalid", "0.1", "--duplicates", "0.1", "--changed", "0.1", "--seed", "1")
    with start(broker, "--count", "2000", *mix, "--record", str(record)) as process:
        printed, complaints = process.communicate(timeout=60)
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    invalid = sum(not line["valid"] for line in lines)
    assert (process.returncode, complaints) == (0, "")
    assert printed.startswith(f"sent 2000 orders ({invalid} invalid) in ")
    assert printed.endswith(" s, 0 failed\n")
    assert all(line["acknowledged"] for line in lines)
    assert len({(line["partition"], line["offset"]) for line in lines}) == len(lines) == 2000


def test_messages_of_one_order_keep_their_order_in_one_partition(
    broker: subprocess.Popen[str], tmp_path: Path
) -> None:
    record = tmp_path / "record.jsonl"
    with start(broker, "--count", "1000", "--changed", "0.5", "--record", str(record)) as process:
        process.communicate(timeout=60)
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for line in map(json.loads, record.read_text(encoding="utf-8").splitlines()):
        places[line["key"]].append((line["partition"], line["offset"]))
    assert max(map(len, places.values())) > 1
    for seen in places.values():
        assert len({partition for partition, _ in seen}) == 1
        assert seen == sorted(seen)


def test_the_exit_is_quick_and_honest_when_the_broker_has_died(
    broker: subprocess.Popen[str], tmp_path: Path
) -> None:
    record, flowing = tmp_path / "record", Event()
    os.mkfifo(record)
    reader = Thread(target=drain, args=(record, flowing))
    reader.start()
    with start(broker, "--count", "0", "--record", str(record)) as process:
        assert flowing.wait(30)
        broker.kill()
        worked = cpu_seconds(process)
        # It has made more messages by then, which nobody will acknowledge.
        eventually(lambda: cpu_seconds(process) > worked + 0.1, 30, "it goes on")
        process.send_signal(signal.SIGTERM)
        printed, complaints = process.communicate(timeout=30)
    reader.join(10)
    assert process.returncode == 1
    assert " failed: KafkaTimeoutError" in complaints
    assert "Traceback" not in complaints
    assert not printed.endswith(", 0 failed\n")


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    return float(psutil.Process(process.pid).cpu_times().user)


def drain(path: Path, flowing: Event) -> None:
    with path.open(encoding="utf-8") as lines:
        for _ in lines:
            flowing.set()
